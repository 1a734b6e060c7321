use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::sqs_stub::{Always, Shared, function, good};
use crate::{Outcome, RetryPolicy};

/// Enough for what answers at once, and too short to wait for long before a batch fails.
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
fn events_are_told_apart_by_their_shape() {
    assert!(matches!(of_bodies(&[]), QueueEvent::AmazonMq(_)));
    let of_sqs = json!({"Records": [{"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}]});
    assert!(
        matches!(serde_json::from_value(of_sqs).unwrap(), QueueEvent::Sqs(event) if event.records.len() == 1)
    );
    assert!(serde_json::from_value::<QueueEvent>(json!({"Records": 1})).is_err());
}

#[tokio::test]
async fn a_batch_that_is_done_is_answered() {
    let (function, queues) = function(Outcome::Done).await;
    let answer = function.answer(of_bodies(&[&good(), &good()]), None).await.unwrap();
    assert_eq!(answer, QueueResponse::default());
    assert!(queues.lock().unwrap().requests.is_empty());
}

#[tokio::test]
async fn poison_goes_to_the_dead_letters_and_its_neighbours_are_done() {
    let (function, queues) = function(Outcome::Done).await;
    function.answer(of_bodies(&[&good(), "{not json", "{not json"]), None).await.unwrap();
    let poison = ("{not json".to_owned(), "undecodable".to_owned());
    assert_eq!(dead_letters(&queues), [poison.clone(), poison]);
}

#[tokio::test]
async fn a_batch_that_comes_again_leaves_no_dead_letter_meanwhile() {
    let (function, queues) = function(Outcome::retry("the store is away")).await;
    let error = function.answer(of_bodies(&[&good(), "{not json"]), SOON).await.unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 messages have to come again: the store is away");
    assert_eq!(dead_letters(&queues), []);
}

#[tokio::test]
async fn what_was_tried_too_often_for_too_long_is_given_up() {
    let (function, queues) = function(Outcome::retry("no")).await;
    let body = good();
    let young = batch(&[message(&body, json!({"x-delivery-count": 50}))]);
    assert!(function.answer(young, SOON).await.is_err(), "its event is younger than ten minutes");
    let first_at = json!({"bytes": LONG_AGO});
    let old = message(&body, json!({"x-delivery-count": 50, "x-orderflow-first-at": first_at}));
    function.answer(batch(&[old]), None).await.unwrap();
    assert_eq!(dead_letters(&queues), [(body, "attempts-exhausted".to_owned())]);
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_put_away_comes_again() {
    let (refusing, queues) = function(Outcome::Done).await;
    queues.lock().unwrap().refuses_messages = true;
    let error = refusing.answer(of_bodies(&["{not json"]), SOON).await.unwrap_err();
    assert!(matches!(error, BatchError::DeadLetter(_)), "{error}");

    let without = QueueFunction::new(Always(Outcome::Done), RetryPolicy::default(), None);
    let error = without.answer(of_bodies(&["{not json"]), SOON).await.unwrap_err();
    assert!(matches!(error, BatchError::NoDeadLetterQueue), "{error}");
}

fn asked(seconds: u64) -> Outcome {
    Outcome::Retry { reason: "later".to_owned(), after: Some(Duration::from_secs(seconds)) }
}

/// How long a batch is held before it fails.
async fn held(outcome: Outcome, event: QueueEvent, time_left: Option<Duration>) -> Duration {
    let function = QueueFunction::new(Always(outcome), RetryPolicy::default(), None);
    let began = Instant::now();
    function.answer(event, time_left).await.unwrap_err();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_comes_again_does_so_after_the_delay_that_it_asks_for() {
    let defer = Outcome::Defer { reason: "left alone".to_owned(), after: Duration::from_secs(4) };
    for (outcome, seconds) in [(asked(3), 3), (defer, 4), (asked(60), 10)] {
        let held = held(outcome, of_bodies(&[&good(), &good()]), None).await;
        assert_eq!(held.as_secs(), seconds, "{held:?}");
    }
    let policy = RetryPolicy::default();
    let many = message(&good(), json!({"x-delivery-count": 50}));
    let held = held(Outcome::retry("no"), batch(&[many]), None).await;
    assert!(held >= policy.base / 2 && held <= LONGEST_PAUSE, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn no_batch_is_held_longer_than_there_is_time() {
    let time_left = Duration::from_secs(2);
    let held = held(asked(60), of_bodies(&[&good()]), Some(time_left)).await;
    assert!(held >= time_left && held < time_left * 2, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn poison_that_cannot_be_put_away_is_held_too() {
    let held = held(Outcome::Done, of_bodies(&["{not json"]), None).await;
    assert!(held >= RetryPolicy::default().base / 2, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_done_is_not_held() {
    let function = QueueFunction::new(Always(Outcome::Done), RetryPolicy::default(), None);
    let began = Instant::now();
    function.answer(of_bodies(&[&good()]), None).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}
