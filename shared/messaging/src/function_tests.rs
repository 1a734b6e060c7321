use std::sync::Mutex;

use async_trait::async_trait;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use orderflow_domain::{EventData, InventoryReleased, OrderId};

use super::*;

/// Gives the outcomes it was made with and remembers what it was given.
struct Scripted {
    outcomes: Vec<Outcome>,
    delay: Duration,
    seen: Mutex<Vec<Delivery>>,
}

impl Scripted {
    fn new(outcomes: Vec<Outcome>) -> Self {
        Self { outcomes, delay: Duration::ZERO, seen: Mutex::default() }
    }
}

#[async_trait]
impl Consumer for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        tokio::time::sleep(self.delay).await;
        self.seen.lock().unwrap().extend_from_slice(batch);
        self.outcomes.clone()
    }
}

fn good() -> String {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None).to_json()
}

fn sqs_event(bodies: &[String]) -> SqsEvent {
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(position, body)| {
            serde_json::json!({
                "messageId": format!("m{position}"),
                "body": body,
                "eventSource": "orderflow:memory",
                "attributes": {"ApproximateReceiveCount": "3", "ApproximateFirstReceiveTimestamp": "0"},
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
}

#[tokio::test]
async fn poison_is_dead_lettered_and_its_neighbours_are_handled() {
    let function =
        QueueFunction::new(Scripted::new(vec![Outcome::Done, Outcome::Done]), RetryPolicy::default(), None);
    let response = function.handle(sqs_event(&[good(), "{not json".to_owned(), good()]), None).await;
    assert_eq!(response.failures.len(), 1);
    assert_eq!(response.failures[0].item_identifier, "m1");
    let dead = response.failures[0].dead_letter.as_ref().unwrap();
    assert_eq!(dead.code, "undecodable");
    assert!(dead.reason.contains("not a CloudEvents envelope"), "{}", dead.reason);
    let seen = function.consumer.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].attempt, 3);
    assert!(!seen[0].last_attempt);
}

#[tokio::test]
async fn h07_what_was_not_done_is_handed_back() {
    let outcomes =
        vec![Outcome::Done, Outcome::Retry { reason: "x".to_owned(), after: Some(Duration::from_secs(2)) }];
    let function = QueueFunction::new(Scripted::new(outcomes), RetryPolicy::default(), None);
    // The third has no outcome: a consumer that forgets one has not done it.
    let response = function.handle(sqs_event(&[good(), good(), good()]), None).await;
    let ids: Vec<_> = response.failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!(ids, ["m1", "m2"]);
    assert_eq!(response.failures[0].retry_after_ms, Some(2_000));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_runs_out_of_time_is_handed_back() {
    let scripted = Scripted { delay: Duration::from_secs(5), ..Scripted::new(vec![Outcome::Done]) };
    let function = QueueFunction::new(scripted, RetryPolicy::default(), None);
    let response = function.handle(sqs_event(&[good()]), Some(Duration::from_secs(1))).await;
    assert_eq!(response.failures.len(), 1);
    assert!(response.failures[0].dead_letter.is_none());
}

#[tokio::test]
async fn a_payload_that_is_no_batch_is_an_error() {
    let function = QueueFunction::new(Scripted::new(vec![]), RetryPolicy::default(), None);
    assert!(function.invoke(b"[]", None).await.is_err());
    let answer = function.invoke(br#"{"Records":[]}"#, None).await.unwrap();
    assert_eq!(answer, br#"{"batchItemFailures":[]}"#);
}

/// The metrics of one handled batch: name, labels in their order, value.
async fn measured(function: &QueueFunction<Scripted>, event: SqsEvent) -> Vec<(String, DebugValue)> {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    function.handle(event, None).await;
    let entries = recorder.snapshotter().snapshot().into_vec().into_iter();
    let named = entries.map(|(key, _, _, value)| {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        (format!("{} {}", key.key().name(), labels.join(" ")), value)
    });
    named.collect()
}

#[tokio::test]
async fn every_delivery_is_counted_by_what_became_of_it() {
    let defer = Outcome::Defer { reason: "x".to_owned(), after: Duration::from_secs(1) };
    let dead = Outcome::DeadLetter { code: "odd", reason: "x".to_owned() };
    let outcomes = vec![Outcome::Done, Outcome::Done, Outcome::retry("x"), defer, dead];
    let function = QueueFunction::new(Scripted::new(outcomes), RetryPolicy::default(), None);
    let mut bodies = vec![good(); 5];
    bodies.push("{not json".to_owned());
    let measured = measured(&function, sqs_event(&bodies)).await;
    for (outcome, count) in [("done", 2), ("retried", 1), ("deferred", 1), ("dead_lettered", 2)] {
        let counter = (format!("deliveries_total scripted {outcome}"), DebugValue::Counter(count));
        assert!(measured.contains(&counter), "{outcome}: {measured:?}");
    }
    let attempts = DebugValue::Histogram(vec![3.0.into(); 5]);
    assert!(measured.contains(&("delivery_attempts scripted".to_owned(), attempts)), "{measured:?}");
    let lag = measured.iter().find(|(name, _)| name == "event_lag_seconds scripted");
    let Some((_, DebugValue::Histogram(lags))) = lag else { panic!("{measured:?}") };
    assert!(lags.len() == 5 && lags.iter().all(|lag| (0.0..60.0).contains(&lag.0)), "{lags:?}");
}

#[tokio::test]
async fn a_retry_of_the_last_attempt_counts_as_dead() {
    let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    let function = QueueFunction::new(Scripted::new(vec![]), policy, None);
    let measured = measured(&function, sqs_event(&[good()])).await;
    let counter = ("deliveries_total scripted dead_lettered".to_owned(), DebugValue::Counter(1));
    assert!(measured.contains(&counter), "{measured:?}");
}

#[tokio::test]
async fn what_was_put_off_is_told_apart_from_what_failed() {
    let defer = Outcome::Defer { reason: "x".to_owned(), after: Duration::from_secs(1) };
    let function =
        QueueFunction::new(Scripted::new(vec![defer, Outcome::retry("x")]), RetryPolicy::default(), None);
    let response = function.handle(sqs_event(&[good(), good()]), None).await;
    let deferred: Vec<_> = response.failures.iter().map(|failure| failure.deferred).collect();
    assert_eq!(deferred, [true, false]);
    assert_eq!(response.failures[0].retry_after_ms, Some(1_000));
}
