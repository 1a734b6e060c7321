//! Killing the process at any moment loses no message.

use std::time::Duration;

use orderflow_domain::Timestamp;

use super::world::{CONSUMER, POLICY, Reply, World};

fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(1))
}

#[tokio::test]
async fn only_unprocessed_messages_are_delivered_again_after_a_restart() {
    let world = World::new().await;
    let done = world.emit().await;
    let mut process = world.start().await;
    process.work(now()).await;
    let undone = world.emit().await;
    process.stream_poller.poll_once().await.unwrap();
    drop(process);

    let mut process = world.start().await;
    process.work(now()).await;
    assert_eq!(world.target.attempts(&done), [1]);
    assert_eq!(world.target.attempts(&undone), [2], "its first delivery can have ended the process");
}

#[tokio::test]
async fn a_delayed_message_is_delivered_when_it_is_due() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(Some(30_000))]).await;
    let (mut process, now) = (world.start().await, now());
    process.work(now).await;
    drop(process);

    let mut process = world.start().await;
    process.work(now.plus(Duration::from_secs(29))).await;
    assert_eq!(world.target.attempts(&event), [1]);
    process.work(now.plus(Duration::from_secs(30))).await;
    assert_eq!(world.target.attempts(&event), [1, 2]);
}

#[tokio::test]
async fn a_message_with_a_row_and_a_stream_record_is_processed() {
    let world = World::new().await;
    let (event, neighbour) = (world.emit_for([Reply::Retry(Some(1)); 3]).await, world.emit().await);
    let (mut process, now) = (world.start().await, now());
    process.stream_poller.poll_once().await.unwrap();
    process.deliver(now).await;
    // The row is written, the cursor is not saved: both copies are there after a restart.
    drop(process);

    let mut process = world.start().await;
    process.drain(now.plus(Duration::from_secs(1))).await;
    assert!(world.target.times_done(&event) >= 1 && world.target.times_done(&neighbour) >= 1);
    assert!(world.delayed().await.is_empty());
    for batch in world.target.take_batches() {
        let mut ids: Vec<_> = batch.into_iter().map(|(id, _)| id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "both copies were in one batch");
    }
}

#[tokio::test]
async fn a_message_that_ends_every_process_is_dead_lettered() {
    let world = World::new().await;
    let event = world.emit().await;
    let old = now().plus(POLICY.min_age);
    assert!(POLICY.is_last(POLICY.max_attempts, event.time, old));
    for start in 0..POLICY.max_attempts {
        let mut process = world.start().await;
        process.stream_poller.poll_once().await.unwrap();
        process.stream_poller.save_cursor().await.unwrap();
        assert_eq!(world.cursor().await, (None, start));
        assert_eq!(process.broker.counts()[CONSUMER].ready, 1);
        // Here the process ends while the message is in flight.
    }
    let mut process = world.start().await;
    process.work(old).await;
    assert_eq!(world.target.attempts(&event), [] as [u32; 0]);
    let dead = world.dead().await;
    assert_eq!((dead[0].code.as_str(), dead[0].attempts), ("attempts-exhausted", POLICY.max_attempts));
    assert!(world.cursor().await.0.is_some(), "the cursor moves past it");
}

#[tokio::test]
async fn starts_without_messages_count_no_attempts() {
    let world = World::new().await;
    world.emit().await;
    world.start().await.work(now()).await;
    for _ in 0..20 {
        world.start().await.work(now()).await;
    }
    assert_eq!(world.cursor().await.1, 0);
    let event = world.emit().await;
    let mut process = world.start().await;
    process.stream_poller.poll_once().await.unwrap();
    drop(process);
    // After a long downtime only the attempts are counted that earlier processes can have made.
    world.start().await.work(now().plus(POLICY.min_age)).await;
    assert_eq!(world.target.attempts(&event), [3]);
    assert!(world.dead().await.is_empty());
}
