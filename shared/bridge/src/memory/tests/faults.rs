//! Failures of the store and the relay lose no message.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use orderflow_domain::Timestamp;
use orderflow_embedded::Fault;
use serde_json::Value;

use super::world::{Reply, World};
use crate::runtime_table::DELAYED_PREFIX;

fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(1))
}

/// Refuses the writes whose request contains a text.
fn refuse_writes(world: &World, text: &'static str) {
    world.embedded.inject(Arc::new(move |operation: &str, body: &Value| {
        let writes = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&operation);
        (writes && body.to_string().contains(text)).then_some(Fault::InternalServerError)
    }));
}

/// Returns the `deliveries_total` of an outcome since the last call.
fn counted(snapshotter: &Snapshotter, outcome: &str) -> u64 {
    let entries = snapshotter.snapshot().into_vec().into_iter();
    let of_outcome = entries.filter(|(key, ..)| {
        let key = key.key();
        key.name() == "deliveries_total" && key.labels().any(|label| label.value() == outcome)
    });
    of_outcome
        .map(|(_, _, _, value)| match value {
            DebugValue::Counter(count) => count,
            other => panic!("{other:?} is not a counter"),
        })
        .sum()
}

#[tokio::test]
async fn a_dead_letter_is_counted_once_it_is_stored() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let world = World::new().await;
    world.emit_for([Reply::Dead, Reply::Dead]).await;
    let (mut process, now) = (world.start().await, now());
    refuse_writes(&world, "dead#");
    process.work(now).await;
    assert_eq!((counted(&snapshotter, "dead_lettered"), world.dead().await.len()), (0, 0));
    world.embedded.stop_injecting();

    process.drain(now).await;
    assert_eq!((counted(&snapshotter, "dead_lettered"), world.dead().await.len()), (1, 1));
}

#[tokio::test]
async fn a_row_that_cannot_be_written_holds_the_cursor() {
    let world = World::new().await;
    let (delayed, done) = (world.emit_for([Reply::Retry(None); 2]).await, world.emit().await);
    let (mut process, now) = (world.start().await, now());
    refuse_writes(&world, DELAYED_PREFIX);
    process.work(now).await;
    assert_eq!(world.cursor().await.0, None, "only the stream stores the message");
    assert_eq!(process.broker.counts()["order-tracker"].delayed, 1);
    world.embedded.stop_injecting();

    process.drain(now).await;
    assert_eq!(world.target.attempts(&delayed), [1, 1, 2], "an attempt that is not stored does not count");
    assert_eq!((world.target.times_done(&delayed), world.target.times_done(&done)), (1, 1));
    let last = process.relay.sequence_numbers.lock().unwrap()[&done.id.to_string()];
    assert_eq!(world.cursor().await.0, Some(last));
}

#[tokio::test]
async fn a_delayed_row_stays_until_its_dead_letter_is_stored() {
    let world = World::new().await;
    world.emit_for([Reply::Retry(None), Reply::Dead, Reply::Dead]).await;
    let (mut process, now) = (world.start().await, now());
    process.work(now).await;
    refuse_writes(&world, "dead#");
    process.work(now.plus(Duration::from_secs(5))).await;
    assert_eq!((world.delayed().await.len(), world.dead().await.len()), (1, 0));
    world.embedded.stop_injecting();

    // The process can end here: the message is loaded from its row.
    let mut process = world.start().await;
    process.drain(now.plus(Duration::from_secs(6))).await;
    assert_eq!((world.delayed().await.len(), world.dead().await.len()), (0, 1));
}

#[tokio::test]
async fn a_row_that_cannot_be_deleted_is_delivered_again() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(None)]).await;
    let (mut process, now) = (world.start().await, now());
    process.work(now).await;
    refuse_writes(&world, DELAYED_PREFIX);
    process.work(now.plus(Duration::from_secs(5))).await;
    assert_eq!(world.delayed().await.len(), 1);
    world.embedded.stop_injecting();
    process.drain(now.plus(Duration::from_secs(5))).await;
    assert_eq!(world.target.times_done(&event), 2);
    assert!(world.delayed().await.is_empty());
}

#[tokio::test]
async fn a_cursor_that_cannot_be_saved_is_saved_later() {
    let world = World::new().await;
    let event = world.emit().await;
    let mut process = world.start().await;
    process.stream_poller.poll_once().await.unwrap();
    process.deliver(now()).await;
    refuse_writes(&world, "cursor");
    process.stream_poller.save_cursor().await.unwrap_err();
    world.embedded.stop_injecting();
    process.stream_poller.save_cursor().await.unwrap();
    let number = process.relay.sequence_numbers.lock().unwrap()[&event.id.to_string()];
    assert_eq!(world.cursor().await.0, Some(number));
}

#[tokio::test]
async fn a_batch_that_fails_in_the_relay_is_relayed_again() {
    let world = World::new().await;
    let event = world.emit().await;
    let mut process = world.start().await;
    process.relay.failures.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        process.stream_poller.poll_once().await.unwrap_err();
        process.deliver(now()).await;
        process.stream_poller.save_cursor().await.unwrap();
        assert_eq!(world.cursor().await.0, None, "the cursor waits for the relay");
    }
    process.work(now()).await;
    assert_eq!(world.target.attempts(&event), [1, 1, 1], "one delivery for each publication");
    let number = process.relay.sequence_numbers.lock().unwrap()[&event.id.to_string()];
    assert_eq!(world.cursor().await.0, Some(number));
    // Events written while the relay failed are delivered.
    let other = world.emit().await;
    process.work(now()).await;
    assert_eq!(world.target.times_done(&other), 1);
}
