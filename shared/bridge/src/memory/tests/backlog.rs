//! A consumer that is stopped or slow holds up no other, and its messages wait in the store.

use std::time::Duration;

use orderflow_domain::Timestamp;

use super::world::{CONSUMER, POLICY, Reply, World};

fn now() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(1))
}

#[tokio::test]
async fn messages_for_a_stopped_consumer_wait_in_the_store() {
    let world = World::new().await;
    let mut process = world.start().await;
    process.broker.switch().stop([CONSUMER.to_owned()]);
    let mut events = Vec::new();
    for _ in 0..30 {
        events.push(world.emit().await);
    }
    process.work(now()).await;
    assert_eq!(process.broker.counts()[CONSUMER].ready, 30);
    assert_eq!(world.delayed().await.len(), 30);
    let last = process.relay.sequence_numbers.lock().unwrap()[&events[29].id.to_string()];
    assert_eq!(world.cursor().await.0, Some(last), "the stream is not held back");
    drop(process);

    let mut process = world.start().await;
    process.work(now()).await;
    assert!(events.iter().all(|event| world.target.attempts(event) == [1]));
    assert!(world.delayed().await.is_empty());
}

#[tokio::test]
async fn a_consumer_that_is_stopped_stores_what_waits_in_memory() {
    let world = World::new().await;
    let (mut process, event) = (world.start().await, world.emit().await);
    process.stream_poller.poll_once().await.unwrap();
    process.broker.switch().stop([CONSUMER.to_owned()]);
    let stop = tokio::sync::watch::channel(false);
    let run = process.broker.clone().run(CONSUMER, world.target.clone(), stop.1);
    let stored = async {
        while world.delayed().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = run => panic!("nothing stops it"),
        stored = tokio::time::timeout(Duration::from_secs(10), stored) => stored.unwrap(),
    }
    process.stream_poller.save_cursor().await.unwrap();
    assert!(world.cursor().await.0.is_some(), "the stream is not held back");
    process.broker.switch().stop([]);
    process.work(now()).await;
    assert_eq!(world.target.attempts(&event), [1]);
}

#[tokio::test]
async fn a_long_queue_is_delivered_from_the_store_in_order() {
    let world = World { held_max: 3, ..World::new().await };
    let mut process = world.start().await;
    let mut events = Vec::new();
    for _ in 0..150 {
        events.push(world.emit().await.id.to_string());
    }
    while process.stream_poller.poll_once().await.unwrap() > 0 {}
    assert_eq!(world.delayed().await.len(), 147, "three are in memory and in the stream");
    process.work(now()).await;
    let delivered = world.target.take_batches().into_iter().flatten();
    assert_eq!(delivered.collect::<Vec<_>>(), events.into_iter().map(|id| (id, 1)).collect::<Vec<_>>());
    assert!(world.delayed().await.is_empty());
}

#[tokio::test]
async fn a_delayed_message_waits_no_longer_than_its_delay_after_the_clock_is_set_back() {
    let world = World::new().await;
    let event = world.emit_for([Reply::Retry(Some(30_000)), Reply::Retry(None)]).await;
    // This process believes that it is an hour later.
    let ahead = now().plus(Duration::from_secs(3_600));
    world.start().await.work(ahead).await;
    assert!(world.delayed().await[0].due > ahead);

    let mut process = world.start().await;
    assert!(process.broker.next_due().unwrap() <= now().plus(Duration::from_secs(30)));
    process.work(now().plus(Duration::from_secs(31))).await;
    assert_eq!(world.target.attempts(&event), [1, 2]);
    assert!(process.broker.next_due().unwrap() <= now().plus(Duration::from_secs(31) + POLICY.cap));
}
