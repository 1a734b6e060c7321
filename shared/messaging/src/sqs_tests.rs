use aws_lambda_events::sqs::SqsEvent;
use orderflow_domain::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::sqs_stub::{function, good};
use crate::{Outcome, SQS_EVENT_SOURCE};

fn batch(source: &str, body: &str, attempt: u32, age: Duration) -> SqsEvent {
    let first_at = Timestamp::now().as_millis() - i64::try_from(age.as_millis()).unwrap();
    let attributes = json!({
        "ApproximateReceiveCount": attempt.to_string(),
        "ApproximateFirstReceiveTimestamp": first_at.to_string(),
    });
    let record = json!({"messageId": "m0", "receiptHandle": "r0", "body": body, "eventSource": source, "attributes": attributes});
    serde_json::from_value(json!({ "Records": [record] })).unwrap()
}

fn young(source: &str, body: &str) -> SqsEvent {
    batch(source, body, 2, Duration::ZERO)
}

fn attribute<'a>(request: &'a Value, name: &str) -> Option<&'a str> {
    request["MessageAttributes"][name]["StringValue"].as_str()
}

fn dead(reason: &str) -> Outcome {
    Outcome::DeadLetter { code: "bad", reason: reason.to_owned() }
}

#[tokio::test]
async fn poison_from_sqs_goes_to_the_dead_letters_and_is_no_failure() {
    let (function, queues) = function(Outcome::Done).await;
    let response = function.handle(young(SQS_EVENT_SOURCE, "{not json"), None).await;
    assert!(response.failures.is_empty());
    let requests = std::mem::take(&mut queues.lock().unwrap().requests);
    let [(operation, request)] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((operation.as_str(), request["MessageBody"].as_str()), ("SendMessage", Some("{not json")));
    assert!(request["QueueUrl"].as_str().unwrap().ends_with("/1/dead"));
    assert_eq!(
        (attribute(request, "code"), attribute(request, "attempts")),
        (Some("undecodable"), Some("2"))
    );
    assert!(attribute(request, "reason").unwrap().contains("not a CloudEvents envelope"));
}

#[tokio::test]
async fn attributes_hold_only_what_sqs_takes() {
    for (reason, kept) in [("a\nb\u{ffff}c", Some("abc")), ("", None)] {
        let (function, queues) = function(dead(reason)).await;
        assert!(function.handle(young(SQS_EVENT_SOURCE, &good()), None).await.failures.is_empty());
        let queues = queues.lock().unwrap();
        assert_eq!(
            (attribute(&queues.requests[0].1, "code"), attribute(&queues.requests[0].1, "reason")),
            (Some("bad"), kept)
        );
    }
}

#[tokio::test]
async fn h07_a_dead_letter_that_cannot_be_sent_stays_in_its_queue() {
    let (function, queues) = function(dead("why")).await;
    queues.lock().unwrap().refuses_messages = true;
    let response = function.handle(young(SQS_EVENT_SOURCE, &good()), None).await;
    assert_eq!(response.failures[0].item_identifier, "m0");
}

#[tokio::test]
async fn what_is_to_come_again_is_hidden_for_its_delay() {
    let asked = Outcome::Retry { reason: "later".to_owned(), after: Some(Duration::from_millis(41_001)) };
    for (outcome, least, most) in [(asked, 42, 42), (Outcome::retry("later"), 1, 120)] {
        let (function, queues) = function(outcome).await;
        let response = function.handle(young(SQS_EVENT_SOURCE, &good()), None).await;
        assert_eq!(response.failures[0].item_identifier, "m0");
        let queues = queues.lock().unwrap();
        let [(operation, request)] = &queues.requests[..] else { panic!("{:?}", queues.requests) };
        assert_eq!(
            (operation.as_str(), request["ReceiptHandle"].as_str()),
            ("ChangeMessageVisibility", Some("r0"))
        );
        assert!(request["QueueUrl"].as_str().unwrap().ends_with("/1/queue"));
        let seconds = request["VisibilityTimeout"].as_i64().unwrap();
        assert!((least..=most).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn what_was_tried_too_often_goes_to_the_dead_letters() {
    let (function, queues) = function(Outcome::retry("still not")).await;
    let old = batch(SQS_EVENT_SOURCE, &good(), 12, Duration::from_secs(601));
    assert!(function.handle(old, None).await.failures.is_empty());
    let queues = queues.lock().unwrap();
    let request = &queues.requests[0].1;
    assert_eq!(
        (attribute(request, "code"), attribute(request, "reason")),
        (Some("attempts-exhausted"), Some("still not"))
    );
    assert_eq!((queues.requests.len(), attribute(request, "attempts")), (1, Some("12")));
}

#[tokio::test]
async fn a_bridge_settles_its_records_itself() {
    for outcome in [dead("why"), Outcome::retry("later")] {
        let (function, queues) = function(outcome).await;
        let response = function.handle(young("orderflow:amqp", &good()), None).await;
        assert_eq!(response.failures.len(), 1);
        assert!(queues.lock().unwrap().requests.is_empty());
    }
}
