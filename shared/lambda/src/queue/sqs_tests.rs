use orderflow_messaging::{DeadLetterCode, MessageField};
use serde_json::{Value, json};

use super::super::QueueEvent;
use super::super::stub::{Always, Shared, good, host};
use orderflow_settings::{Setting, Snapshot, read};

use super::*;

fn batch(source: &str, body: &str, attempt: u32, age: Duration) -> QueueEvent {
    let first_at = Timestamp::now().as_millis() - i64::try_from(age.as_millis()).unwrap();
    let attributes = json!({
        "ApproximateReceiveCount": attempt.to_string(),
        "ApproximateFirstReceiveTimestamp": first_at.to_string(),
    });
    let record = json!({"messageId": "m0", "receiptHandle": "r0", "body": body, "eventSource": source, "attributes": attributes});
    serde_json::from_value(json!({ "Records": [record] })).unwrap()
}

async fn handle(host: &QueueHost<Always>, event: QueueEvent) -> QueueResponse {
    host.handle(event, None).await.unwrap()
}

fn second_attempt(source: &str, body: &str) -> QueueEvent {
    batch(source, body, 2, Duration::ZERO)
}

fn attribute<'a>(request: &'a Value, name: &str) -> Option<&'a str> {
    request["MessageAttributes"][name]["StringValue"].as_str()
}

fn refused(reason: &str) -> Outcome {
    Outcome::DeadLetter { code: DeadLetterCode::MESSAGE_REFUSED, reason: reason.to_owned() }
}

fn only_request(shared: &Shared) -> (String, Value) {
    let mut requests = std::mem::take(&mut shared.lock().unwrap().requests);
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

#[tokio::test]
async fn a_poison_message_is_dead_lettered_and_reported_as_done() {
    let (host, shared) = host(Outcome::Done).await;
    let response = handle(&host, second_attempt(SQS_EVENT_SOURCE, "{not json")).await;
    assert!(response.failures.is_empty());
    let (operation, request) = only_request(&shared);
    assert_eq!((operation.as_str(), request["MessageBody"].as_str()), ("SendMessage", Some("{not json")));
    assert!(request["QueueUrl"].as_str().unwrap().ends_with("/1/dead"));
    assert_eq!(attribute(&request, "code"), Some("undecodable"));
    assert!(attribute(&request, "reason").unwrap().contains("not a CloudEvents envelope"));
    assert_eq!(attribute(&request, "attempts"), Some("2"));
    for name in ["id", "first_at", "last_at"] {
        assert!(attribute(&request, name).is_some(), "{name}: {request}");
    }
}

#[tokio::test]
async fn attributes_hold_only_characters_that_sqs_accepts() {
    for (reason, stored) in [("a\nb\u{ffff}c", Some("abc")), ("", None)] {
        let (host, shared) = host(refused(reason)).await;
        assert!(handle(&host, second_attempt(SQS_EVENT_SOURCE, &good())).await.failures.is_empty());
        let (_, request) = only_request(&shared);
        assert_eq!(
            (attribute(&request, "code"), attribute(&request, "reason")),
            (Some("message-refused"), stored)
        );
    }
}

#[tokio::test]
async fn dead_letters_of_each_code_have_the_same_fields() {
    let mut made = vec![(Outcome::Done, second_attempt(SQS_EVENT_SOURCE, "{not json"), "undecodable")];
    let old = batch(SQS_EVENT_SOURCE, &good(), 12, Duration::from_secs(601));
    made.push((Outcome::retry("it failed"), old, "attempts-exhausted"));
    for code in [DeadLetterCode::PAYMENT_REFUSED, DeadLetterCode::MESSAGE_REFUSED] {
        let expected = if code == "payment-refused" { "payment-refused" } else { "message-refused" };
        let refused = Outcome::DeadLetter { code, reason: "it was refused".to_owned() };
        made.push((refused, second_attempt(SQS_EVENT_SOURCE, &good()), expected));
    }
    for (outcome, event, code) in made {
        let (host, shared) = host(outcome).await;
        assert!(handle(&host, event).await.failures.is_empty());
        let (_, request) = only_request(&shared);
        let mut names: Vec<_> = request["MessageAttributes"].as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        let mut expected = MessageField::ALL.map(|field| field.attribute().to_owned());
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(attribute(&request, "code"), Some(code));
    }
}

#[tokio::test]
async fn h07_a_dead_letter_that_cannot_be_sent_stays_in_its_queue() {
    let (host, shared) = host(refused("why")).await;
    shared.lock().unwrap().refuses_messages = true;
    let response = handle(&host, second_attempt(SQS_EVENT_SOURCE, &good())).await;
    assert_eq!(response.failures[0].item_identifier, "m0");
}

#[tokio::test]
async fn a_retry_is_invisible_for_its_delay() {
    let later = Outcome::retry_after("later", Duration::from_millis(41_001));
    let deferred = Outcome::Defer { reason: "later".to_owned(), after: Duration::from_secs(7) };
    for (outcome, shortest, longest) in [(later, 42, 42), (Outcome::retry("later"), 1, 120), (deferred, 7, 7)]
    {
        let (host, shared) = host(outcome).await;
        let response = handle(&host, second_attempt(SQS_EVENT_SOURCE, &good())).await;
        assert_eq!(response.failures[0].item_identifier, "m0");
        let (operation, request) = only_request(&shared);
        assert_eq!(operation, "ChangeMessageVisibility");
        assert!(request["QueueUrl"].as_str().unwrap().ends_with("/1/queue"));
        assert_eq!(request["ReceiptHandle"], "r0");
        let seconds = request["VisibilityTimeout"].as_i64().unwrap();
        assert!((shortest..=longest).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn a_message_is_dead_lettered_after_its_last_attempt() {
    let (host, shared) = host(Outcome::retry("still not")).await;
    let old = batch(SQS_EVENT_SOURCE, &good(), 12, Duration::from_secs(601));
    assert!(handle(&host, old).await.failures.is_empty());
    let (_, request) = only_request(&shared);
    assert_eq!(
        (attribute(&request, "code"), attribute(&request, "reason")),
        (Some("attempts-exhausted"), Some("still not"))
    );
    assert_eq!(attribute(&request, "attempts"), Some("12"));
}

#[tokio::test]
async fn records_of_another_host_are_answered_and_neither_acted_on_nor_counted() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    for outcome in [refused("why"), Outcome::retry("later")] {
        let (host, shared) = host(outcome).await;
        let response = handle(&host, second_attempt("orderflow:amqp", &good())).await;
        assert_eq!(response.failures.len(), 1);
        assert!(shared.lock().unwrap().requests.is_empty());
    }
    let counted = recorder.snapshotter().snapshot().into_vec();
    let counted = counted.iter().filter(|(key, ..)| key.key().name() == "deliveries_total").count();
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn without_a_dead_letter_queue_a_poison_message_stays_in_its_queue() {
    let host = QueueHost::new(Always(Outcome::Done), Default::default(), None);
    let response = handle(&host, second_attempt(SQS_EVENT_SOURCE, "{not json")).await;
    assert_eq!(response.failures.len(), 1);
}

#[test]
fn both_urls_are_set_or_neither() {
    let urls = |settings: &[&'static Setting]| {
        let set = settings.iter().map(|setting| (setting.variable, "http://h/1/q"));
        read(&Snapshot::from_variables(set), read_queue_urls)
    };
    assert_eq!(urls(&[]), Ok(None));
    assert_eq!(urls(&[&QUEUE_URL, &DEAD_LETTER_QUEUE_URL]).unwrap().unwrap().queue, "http://h/1/q");
    let error = urls(&[&QUEUE_URL]).unwrap_err().to_string();
    assert_eq!(error, "QUEUE_URL is set and DEAD_LETTER_QUEUE_URL is not: set both, or neither");
    assert!(urls(&[&DEAD_LETTER_QUEUE_URL]).is_err());
}
