use std::sync::Mutex;
use std::time::Duration;

use orderflow_domain::{EventData, InventoryReleased, OrderId, Timestamp};

use super::*;

/// Records the events of each call.
#[derive(Default)]
struct Recorder(Mutex<Vec<Vec<Event>>>);

#[async_trait]
impl Publisher for Recorder {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        self.0.lock().unwrap().push(events.to_vec());
        vec![Ok(()); events.len()]
    }
}

fn events(count: u32) -> Vec<Event> {
    let order_id = OrderId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap();
    let data = EventData::InventoryReleased(InventoryReleased { order_id, items: vec![] });
    let event = |cause: u32| Event::new(data.clone(), &cause.to_string(), Timestamp::from_millis(0), None);
    (0..count).map(event).collect()
}

/// Returns the published events, the results, and the counts.
async fn published(
    rates: FaultRates,
    seed: u64,
) -> (Vec<Vec<Event>>, Vec<Result<(), PublishError>>, FaultCounts) {
    let recorder = Arc::new(Recorder::default());
    let publisher = FaultyPublisher::new(recorder.clone(), rates, seed);
    let results = publisher.publish(&events(50)).await;
    let calls = recorder.0.lock().unwrap().clone();
    (calls, results, publisher.counts())
}

#[tokio::test]
async fn without_rates_no_fault_happens() {
    let (calls, results, counts) = published(FaultRates::default(), 1).await;
    assert_eq!((calls, counts), (vec![events(50)], FaultCounts::default()));
    assert!(results.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_seed_determines_the_faults() {
    let rates = FaultRates {
        fail_before: 0.2,
        fail_after: 0.2,
        repeat: 0.2,
        reorder: 1.0,
        delay: 1.0,
        longest_delay: Duration::from_millis(2),
    };
    let first = published(rates, 1).await;
    assert_eq!(first, published(rates, 1).await);
    assert_ne!(first, published(rates, 2).await);
    let counts = first.2;
    assert!(counts.failed_before > 0 && counts.failed_after > 0 && counts.repeated > 0, "{counts:?}");
    assert_eq!((counts.reordered, counts.delayed), (1, 1));
}

#[tokio::test]
async fn an_event_that_fails_before_is_not_published_and_one_that_fails_after_is() {
    let (calls, results, counts) =
        published(FaultRates { fail_before: 1.0, ..FaultRates::default() }, 1).await;
    assert!(calls.is_empty() && results.iter().all(Result::is_err));
    assert_eq!(counts.failed_before, 50);
    let (calls, results, counts) =
        published(FaultRates { fail_after: 1.0, ..FaultRates::default() }, 1).await;
    assert_eq!(calls, [events(50)]);
    assert!(results.iter().all(Result::is_err));
    assert_eq!(counts.failed_after, 50);
}

#[tokio::test]
async fn a_repeated_event_is_published_twice() {
    let (calls, results, counts) = published(FaultRates { repeat: 1.0, ..FaultRates::default() }, 1).await;
    let twice: Vec<Event> = events(50).into_iter().flat_map(|event| [event.clone(), event]).collect();
    assert_eq!((calls, counts.repeated), (vec![twice], 50));
    assert!(results.len() == 50 && results.iter().all(Result::is_ok));
}

/// Fails to publish one event.
struct Refusing(Event);

#[async_trait]
impl Publisher for Refusing {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let refused =
            |event: &Event| if *event == self.0 { Err(PublishError("no".to_owned())) } else { Ok(()) };
        events.iter().map(refused).collect()
    }
}

#[tokio::test]
async fn a_real_failure_is_reported_for_its_event_in_any_order() {
    let events = events(50);
    let rates = FaultRates { reorder: 1.0, repeat: 0.5, ..FaultRates::default() };
    let publisher = FaultyPublisher::new(Arc::new(Refusing(events[7].clone())), rates, 1);
    let results = publisher.publish(&events).await;
    let failed: Vec<usize> = (0..50).filter(|position| results[*position].is_err()).collect();
    assert_eq!(failed, [7]);
    assert_eq!(publisher.counts().reordered, 1);
}
