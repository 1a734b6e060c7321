use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use orderflow_messaging::RetryPolicy;
use serde_json::{Value, json};

use super::super::QueueEvent;
use super::super::stub::{Always, Shared, good, host};
use super::*;

/// Enough for a response, and too short for a long pause before a batch fails.
const SOON: Option<Duration> = Some(Duration::from_millis(100));

const LONG_AGO: &[u8] = b"2020-01-01T00:00:00.000Z";

fn message(body: &str, headers: Value) -> Value {
    json!({"basicProperties": {"headers": headers}, "redelivered": false, "data": BASE64_STANDARD.encode(body)})
}

fn batch(messages: &[Value]) -> QueueEvent {
    let event = json!({
        "eventSource": "aws:rmq",
        "eventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:orderflow:b-1",
        "rmqMessagesByQueue": {"orderflow.always::/": messages},
    });
    serde_json::from_value(event).unwrap()
}

fn of_bodies(bodies: &[&str]) -> QueueEvent {
    batch(&bodies.iter().map(|body| message(body, json!({}))).collect::<Vec<_>>())
}

fn first_record(message: Value) -> Record {
    let QueueEvent::AmazonMq(event) = batch(&[message]) else { panic!("the shape is that of Amazon MQ") };
    event.into_records().remove(0)
}

#[test]
fn a_message_without_properties_is_a_first_attempt() {
    let record =
        first_record(json!({"basicProperties": {"headers": null}, "redelivered": false, "data": "e30="}));
    assert_eq!((&*record.body, record.attempt, record.first_at), ("{}", 1, None));
    assert_eq!(record.id, "orderflow.always:://0");
}

#[test]
fn attempts_are_those_of_the_queue_and_those_noted_before() {
    let bytes = b"2026-11-20T12:00:00.000Z".to_vec();
    let headers =
        json!({"x-delivery-count": 2, "x-orderflow-attempts": 3, "x-orderflow-first-at": {"bytes": bytes}});
    let counted =
        first_record(json!({"basicProperties": {"headers": headers}, "redelivered": true, "data": ""}));
    assert_eq!(counted.attempt, 6);
    assert_eq!(counted.first_at, Timestamp::parse("2026-11-20T12:00:00.000Z").ok());
    let classic = first_record(json!({"basicProperties": {}, "redelivered": true, "data": ""}));
    assert_eq!(classic.attempt, 2);
}

#[test]
fn a_body_that_is_not_base64_is_kept_unchanged() {
    let record = first_record(json!({"basicProperties": {}, "redelivered": false, "data": "{no}"}));
    assert_eq!(&*record.body, "{no}");
}

fn dead_letters(queues: &Shared) -> Vec<(String, String)> {
    let requests = &queues.lock().unwrap().requests;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let sent = requests.iter().filter(|(operation, _)| operation == "SendMessage");
    sent.map(|(_, request)| {
        (text(&request["MessageBody"]), text(&request["MessageAttributes"]["code"]["StringValue"]))
    })
    .collect()
}

#[test]
fn events_are_distinguished_by_their_shape() {
    assert!(matches!(of_bodies(&[]), QueueEvent::AmazonMq(_)));
    let of_sqs = json!({"Records": [{"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}]});
    assert!(
        matches!(serde_json::from_value(of_sqs).unwrap(), QueueEvent::Records(batch) if batch.records.len() == 1)
    );
    assert!(serde_json::from_value::<QueueEvent>(json!({"Records": 1})).is_err());
}

#[tokio::test]
async fn a_batch_that_is_done_is_acknowledged() {
    let (host, queues) = host(Outcome::Done).await;
    let answer = host.handle(of_bodies(&[&good(), &good()]), None).await.unwrap();
    assert_eq!(answer, QueueResponse::default());
    assert!(queues.lock().unwrap().requests.is_empty());
}

#[tokio::test]
async fn poison_messages_are_dead_lettered_and_their_neighbours_are_done() {
    let (host, queues) = host(Outcome::Done).await;
    host.handle(of_bodies(&[&good(), "{not json", "{not json"]), None).await.unwrap();
    let poison = ("{not json".to_owned(), "undecodable".to_owned());
    assert_eq!(dead_letters(&queues), [poison.clone(), poison]);
}

#[tokio::test]
async fn a_batch_that_is_retried_stores_no_dead_letter() {
    let (host, queues) = host(Outcome::retry("the store does not answer")).await;
    let error = host.handle(of_bodies(&[&good(), "{not json"]), SOON).await.unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 messages will be retried: the store does not answer");
    assert_eq!(dead_letters(&queues), []);
}

#[tokio::test]
async fn a_message_is_dead_lettered_after_its_last_attempt() {
    let (host, queues) = host(Outcome::retry("no")).await;
    let body = good();
    let young = batch(&[message(&body, json!({"x-delivery-count": 50}))]);
    assert!(host.handle(young, SOON).await.is_err(), "its event is younger than ten minutes");
    let first_at = json!({"bytes": LONG_AGO});
    let old = message(&body, json!({"x-delivery-count": 50, "x-orderflow-first-at": first_at}));
    host.handle(batch(&[old]), None).await.unwrap();
    assert_eq!(dead_letters(&queues), [(body, "attempts-exhausted".to_owned())]);
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_stored_fails_its_batch() {
    let (refusing, queues) = host(Outcome::Done).await;
    queues.lock().unwrap().refuses_messages = true;
    let error = refusing.handle(of_bodies(&["{not json"]), SOON).await.unwrap_err();
    assert!(matches!(error, BatchError::DeadLetter(_)), "{error}");

    let without = QueueHost::new(Always(Outcome::Done), RetryPolicy::default(), None);
    let error = without.handle(of_bodies(&["{not json"]), SOON).await.unwrap_err();
    assert!(matches!(error, BatchError::NoDeadLetterQueue), "{error}");
}

/// Returns how often each outcome is counted in `deliveries_total` while a batch is processed.
async fn counted(host: &QueueHost<Always>, event: QueueEvent) -> Vec<(String, u64)> {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let _answer = host.handle(event, SOON).await;
    let entries = recorder.snapshotter().snapshot().into_vec().into_iter();
    let deliveries = entries.filter(|(key, ..)| key.key().name() == "deliveries_total");
    let mut counted: Vec<_> = deliveries
        .map(|(key, _, _, value)| {
            let outcome = key.key().labels().find(|label| label.key() == "outcome").unwrap();
            let DebugValue::Counter(count) = value else { panic!("deliveries are a counter") };
            (outcome.value().to_owned(), count)
        })
        .collect();
    counted.sort();
    counted
}

#[tokio::test]
async fn deliveries_are_counted_by_what_happens_to_them() {
    let of = |counts: &[(&str, u64)]| -> Vec<(String, u64)> {
        counts.iter().map(|(outcome, count)| ((*outcome).to_owned(), *count)).collect()
    };
    let (done, queues) = host(Outcome::Done).await;
    let batch = || of_bodies(&[&good(), "{not json"]);
    assert_eq!(counted(&done, batch()).await, of(&[("dead_lettered", 1), ("done", 1)]));
    queues.lock().unwrap().refuses_messages = true;
    assert_eq!(counted(&done, batch()).await, of(&[("retried", 2)]), "the dead letter is not stored");

    let (failing, _) = host(Outcome::retry("the store does not answer")).await;
    assert_eq!(counted(&failing, batch()).await, of(&[("retried", 2)]), "the batch is redelivered");
    let defer = Outcome::Defer { reason: "circuit breaker is open".to_owned(), after: Duration::ZERO };
    let (deferring, _) = host(defer).await;
    assert_eq!(counted(&deferring, batch()).await, of(&[("deferred", 1), ("retried", 1)]));
}

fn asked(seconds: u64) -> Outcome {
    Outcome::retry_after("later", Duration::from_secs(seconds))
}

/// Returns how long a batch is held before it fails.
async fn held(outcome: Outcome, event: QueueEvent, time_left: Option<Duration>) -> Duration {
    let host = QueueHost::new(Always(outcome), RetryPolicy::default(), None);
    let began = Instant::now();
    host.handle(event, time_left).await.unwrap_err();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_batch_fails_after_the_longest_delay_of_its_retries() {
    let defer =
        Outcome::Defer { reason: "circuit breaker is open".to_owned(), after: Duration::from_secs(4) };
    for (outcome, seconds) in [(asked(3), 3), (defer, 4), (asked(60), 10)] {
        let held = held(outcome, of_bodies(&[&good(), &good()]), None).await;
        assert_eq!(held.as_secs(), seconds, "{held:?}");
    }
    let policy = RetryPolicy::default();
    let many = message(&good(), json!({"x-delivery-count": 50}));
    let held = held(Outcome::retry("no"), batch(&[many]), None).await;
    assert!(held >= policy.base / 2 && held <= PAUSE_MAX, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn no_batch_is_held_beyond_the_deadline() {
    let time_left = Duration::from_secs(2);
    let held = held(asked(60), of_bodies(&[&good()]), Some(time_left)).await;
    assert!(held >= time_left && held < time_left * 2, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_dead_letter_cannot_be_stored_is_held_too() {
    let held = held(Outcome::Done, of_bodies(&["{not json"]), None).await;
    assert!(held >= RetryPolicy::default().base / 2, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_done_is_not_held() {
    let host = QueueHost::new(Always(Outcome::Done), RetryPolicy::default(), None);
    let began = Instant::now();
    host.handle(of_bodies(&[&good()]), None).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}
