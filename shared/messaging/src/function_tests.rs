use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId};

use super::*;
use crate::{AttemptHistory, Target, TargetError};

/// Returns fixed outcomes and records its deliveries.
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

fn records(bodies: &[String]) -> Vec<Record> {
    let history = AttemptHistory { attempts: 2, first_at: Timestamp::from_millis(0) };
    RecordBatch::new("orderflow:memory", bodies.iter().map(|body| (body.as_str(), history))).records
}

fn function(outcomes: Vec<Outcome>) -> QueueFunction<Scripted> {
    QueueFunction::new(Scripted::new(outcomes), RetryPolicy::default())
}

#[tokio::test]
async fn a_poison_message_is_dead_lettered_and_its_neighbours_are_handled() {
    let function = function(vec![Outcome::Done, Outcome::Done]);
    let outcomes = function.handle(&records(&[good(), "{not json".to_owned(), good()]), None).await;
    let [Outcome::Done, Outcome::DeadLetter { code, reason }, Outcome::Done] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(*code, "undecodable");
    assert!(reason.contains("not a CloudEvents envelope"), "{reason}");
    let seen = function.consumer.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].attempt, 3);
    assert!(!seen[0].last_attempt);
}

#[tokio::test]
async fn h07_a_record_that_is_not_done_is_reported() {
    let later = Outcome::retry_after("x", Duration::from_secs(2));
    let function = function(vec![Outcome::Done, later.clone()]);
    // The consumer returns no outcome for the third: it has to be retried.
    let outcomes = function.handle(&records(&[good(), good(), good()]), None).await;
    assert_eq!(outcomes[..2], [Outcome::Done, later]);
    assert!(matches!(outcomes[2], Outcome::Retry { after: None, .. }), "{outcomes:?}");
}

/// The function, invoked with JSON.
struct Invoked(QueueFunction<Scripted>);

#[async_trait]
impl Target for Invoked {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        Target::invoke(&self.0, payload).await
    }
}

#[tokio::test]
async fn a_batch_with_events_is_handled_as_its_json_is() {
    let dead = Outcome::DeadLetter { code: "odd".into(), reason: "x".to_owned() };
    let answers = vec![Outcome::Done, Outcome::retry_after("x", Duration::from_secs(2)), dead];
    let bodies = [good(), "{not json".to_owned(), good(), good()];
    let history = AttemptHistory { attempts: 2, first_at: Timestamp::from_millis(0) };
    let messages = bodies.iter().map(|body| {
        let event = Event::from_json(body).ok().map(Arc::new);
        (body.as_str().into(), event, history)
    });
    let batch = RecordBatch::of_events("orderflow:memory", messages);
    let (direct, invoked) = (function(answers.clone()), Invoked(function(answers)));
    let outcomes = Target::handle(&direct, &batch).await;
    assert_eq!(outcomes.as_ref().map(Vec::len), Ok(4));
    assert_eq!(outcomes, invoked.handle(&batch).await);
    let seen = |function: &QueueFunction<Scripted>| format!("{:?}", function.consumer.seen.lock().unwrap());
    assert_eq!(seen(&direct), seen(&invoked.0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_runs_out_of_time_is_retried() {
    let scripted = Scripted { delay: Duration::from_secs(5), ..Scripted::new(vec![Outcome::Done]) };
    let function = QueueFunction::new(scripted, RetryPolicy::default());
    let outcomes = function.handle(&records(&[good()]), Some(Duration::from_secs(1))).await;
    assert!(matches!(outcomes[..], [Outcome::Retry { .. }]), "{outcomes:?}");
}

#[tokio::test]
async fn a_payload_that_is_no_batch_is_an_error() {
    let function = function(vec![]);
    for payload in [&b"[]"[..], b"{}", br#"{"Records":1}"#] {
        assert!(function.invoke(payload, None).await.is_err());
    }
    let response = function.invoke(br#"{"Records":[]}"#, None).await.unwrap();
    assert_eq!(response, br#"{"batchItemFailures":[]}"#);
}

#[tokio::test]
async fn a_function_measures_what_it_receives_and_counts_no_decision() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let dead = Outcome::DeadLetter { code: "odd".into(), reason: "x".to_owned() };
    let function = function(vec![Outcome::Done, Outcome::retry("x"), dead]);
    let mut bodies = vec![good(); 3];
    bodies.push("{not json".to_owned());
    function.handle(&records(&bodies), None).await;
    let entries = recorder.snapshotter().snapshot().into_vec().into_iter();
    let measured: Vec<_> = entries.map(|(key, _, _, value)| (key.key().name().to_owned(), value)).collect();
    let attempts = DebugValue::Histogram(vec![3.0.into(); 3]);
    assert!(measured.contains(&("delivery_attempts".to_owned(), attempts)), "{measured:?}");
    let lag = measured.iter().find(|(name, _)| name == "event_lag_seconds");
    let Some((_, DebugValue::Histogram(lags))) = lag else { panic!("{measured:?}") };
    assert!(lags.len() == 3 && lags.iter().all(|lag| (0.0..60.0).contains(&lag.0)), "{lags:?}");
    assert!(measured.iter().all(|(name, _)| name != "deliveries_total"), "{measured:?}");
}
