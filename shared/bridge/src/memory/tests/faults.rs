//! A store and a relay that fail lose nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

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

#[tokio::test]
async fn a_row_that_cannot_be_written_keeps_the_mark_where_it_is() {
    let world = World::new().await;
    let (delayed, done) = (world.emit_for([Reply::Retry(None); 2]).await, world.emit().await);
    let (mut process, now) = (world.start().await, now());
    refuse_writes(&world, DELAYED_PREFIX);
    process.work(now).await;
    assert_eq!(world.cursor().await.0, None, "the record is all that keeps the message");
    assert_eq!(process.broker.counts()["order-tracker"].delayed, 1);
    world.embedded.stop_injecting();

    process.drain(now).await;
    assert_eq!(world.target.attempts(&delayed), [1, 1, 2], "an attempt that was not written down is none");
    assert_eq!((world.target.times_done(&delayed), world.target.times_done(&done)), (1, 1));
    let last = process.relay.sequence_numbers.lock().unwrap()[&done.id.to_string()];
    assert_eq!(world.cursor().await.0, Some(last));
}

#[tokio::test]
async fn a_row_outlives_a_dead_letter_that_cannot_be_written() {
    let world = World::new().await;
    world.emit_for([Reply::Retry(None), Reply::Dead, Reply::Dead]).await;
    let (mut process, now) = (world.start().await, now());
    process.work(now).await;
    refuse_writes(&world, "dead#");
    process.work(now.plus(Duration::from_secs(5))).await;
    assert_eq!((world.delayed().await.len(), world.dead().await.len()), (1, 0));
    world.embedded.stop_injecting();

    // The process may end here: the row brings the message back.
    let mut process = world.start().await;
    process.drain(now.plus(Duration::from_secs(6))).await;
    assert_eq!((world.delayed().await.len(), world.dead().await.len()), (0, 1));
}

#[tokio::test]
async fn a_row_that_cannot_be_deleted_brings_its_message_again() {
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
async fn a_batch_that_the_relay_fails_comes_again() {
    let world = World::new().await;
    let event = world.emit().await;
    let mut process = world.start().await;
    process.relay.failures.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        process.stream_poller.poll_once().await.unwrap_err();
        process.deliver(now()).await;
        process.stream_poller.save_cursor().await.unwrap();
        assert_eq!(world.cursor().await.0, None, "the mark waits for the relay");
    }
    process.work(now()).await;
    assert_eq!(world.target.attempts(&event), [1, 1, 1], "each time the relay published it");
    let number = process.relay.sequence_numbers.lock().unwrap()[&event.id.to_string()];
    assert_eq!(world.cursor().await.0, Some(number));
    // What came while the relay failed is not forgotten.
    let other = world.emit().await;
    process.work(now()).await;
    assert_eq!(world.target.times_done(&other), 1);
}
