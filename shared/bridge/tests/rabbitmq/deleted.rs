//! Exchange, queues and bindings that are deleted while the program runs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::Channel;
use lapin::options::{
    BasicPublishOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use orderflow_bridge::rabbitmq::{
    EXCHANGE, ProbeRoute, Publishing, RabbitPublisher, TopologyReconciler, dead_letter_queue, queue,
};
use orderflow_bridge::{Target, TargetError};
use orderflow_messaging::{Publisher, QueueAdmin, QueueResponse, SUBSCRIPTIONS};
use tokio::time::timeout;

use crate::support::{CONSUMER, Scripted, World, consume_over, eventually, ids, released};

/// The time in which what vanished is there again.
const HEALED: Duration = Duration::from_secs(10);

/// Takes its time for each batch.
struct Slow;

#[async_trait]
impl Target for Slow {
    async fn invoke(&self, _payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        Ok(serde_json::to_vec(&QueueResponse::default()).unwrap())
    }
}

async fn delete(channel: &Channel, name: &str) {
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
}

/// Returns the number of consumers of a queue, 0 if it does not exist.
async fn consumers(world: &World) -> u32 {
    let channel = world.by_hand().await;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    let found = channel.queue_declare(queue(CONSUMER).as_str().into(), passive, FieldTable::default()).await;
    found.map_or(0, |queue| queue.consumer_count())
}

async fn healed(what: &str, is_so: impl AsyncFn() -> bool) {
    timeout(HEALED, eventually(what, is_so)).await.unwrap_or_else(|_| panic!("not within 10 s: {what}"));
}

/// The end of a subscription arrives while a batch is gathered or delivered, or while the consumer waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_has_its_consumer_again_whenever_it_is_deleted() {
    let world = World::new().await;
    let channel = world.by_hand().await;
    // The first message is received with a prefetch of one, the others together.
    let running = world.consume(Arc::new(Slow));
    eventually("there is a consumer", async || consumers(&world).await == 1).await;
    for round in 0..6 {
        world.publish(if round % 3 == 2 { 0 } else { 150 }).await;
        tokio::time::sleep(Duration::from_millis(if round % 3 == 0 { 0 } else { 600 })).await;
        delete(&channel, &queue(CONSUMER)).await;
        healed("the queue has its consumer again", async || consumers(&world).await == 1).await;
    }
    running.stop().await;
    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    let events = world.publish(300).await;
    eventually("all events are processed", async || ids(&events).is_subset(&doer.done_ids())).await;
    running.stop().await;
}

/// A queue is declared again before its consumer learns that it was deleted. RabbitMQ may keep the subscription and deliver nothing to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_declared_again_at_once_delivers_its_messages() {
    let world = World::new().await;
    let (channel, doer) = (world.by_hand().await, Arc::new(Scripted::default()));
    let running = world.consume(doer.clone());
    for _ in 0..10 {
        let events = world.publish(20).await;
        eventually("they are processed", async || ids(&events).is_subset(&doer.done_ids())).await;
        delete(&channel, &queue(CONSUMER)).await;
        world.broker.reconcile().await.unwrap();
        let events = world.publish(20).await;
        healed("those of the new queue are processed", async || ids(&events).is_subset(&doer.done_ids()))
            .await;
    }
    running.stop().await;
}

/// The queue figures include the messages that the consumer has received ahead of their delivery.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prefetched_messages_count_as_in_flight() {
    let world = World::new().await;
    let running = consume_over(world.broker.beside(), Arc::new(Slow));
    // The first message is received alone; then two of these arrive before the rest.
    world.publish(1).await;
    eventually("it is in flight", async || in_flight(&world).await == 1).await;
    eventually("it is done", async || in_flight(&world).await == 0).await;
    world.publish(2).await;
    eventually("they are in flight", async || in_flight(&world).await == 2).await;
    world.publish(50).await;
    healed("all are in flight while two are delivered", async || in_flight(&world).await == 52).await;
    running.stop().await;
    eventually("none is in flight", async || in_flight(&world).await == 0).await;
}

async fn in_flight(world: &World) -> u64 {
    let statuses = world.admin.queues().await.unwrap();
    statuses.iter().find(|status| status.consumer == CONSUMER).unwrap().in_flight
}

/// Everything is deleted in turn, and once a binding removed, without a consumer or publisher that would notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_is_declared_again() {
    let world = World::new().await;
    let channel = world.by_hand().await;
    let publishing = Publishing { connection: world.broker.beside(), routes: vec![ProbeRoute::Events] };
    let _reconciler = TopologyReconciler::start(world.broker.clone(), publishing);
    let delay = format!("{}.delay.1000ms", queue(CONSUMER));
    for name in [&queue(CONSUMER), &delay, &dead_letter_queue("payment")] {
        delete(&channel, name).await;
    }
    channel.exchange_delete(EXCHANGE.into(), ExchangeDeleteOptions::default()).await.unwrap();
    assert!(!world.broker.is_up().await, "nothing can be published");
    healed("health recovers", async || world.broker.is_up().await).await;
    healed("all queues exist", async || exists(&world, &delay).await).await;
    assert!(exists(&world, &dead_letter_queue("payment")).await);

    let (queue, kind) = (queue(CONSUMER), "inventory.released");
    let mut spare = FieldTable::default();
    spare.insert("x-orderflow-copy".into(), AMQPValue::LongString("spare".into()));
    for arguments in [FieldTable::default(), spare] {
        let unbind = channel.queue_unbind(queue.as_str().into(), EXCHANGE.into(), kind.into(), arguments);
        unbind.await.unwrap();
    }
    healed("the queue is bound again", async || {
        put_to_exchange(&channel, kind).await;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let found = channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await;
        found.unwrap().message_count() > 0
    })
    .await;
}

/// AMQP does not tell whether a binding exists, so an event whose only binding was removed would be dropped until the next reconciliation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_its_queue_after_a_binding_is_removed() {
    let world = World::new().await;
    let channel = world.by_hand().await;
    for row in SUBSCRIPTIONS {
        for kind in row.types {
            let (queue, key) = (queue(row.consumer), kind.as_str());
            let unbind = channel.queue_unbind(
                queue.as_str().into(),
                EXCHANGE.into(),
                key.into(),
                FieldTable::default(),
            );
            unbind.await.unwrap();
            channel.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await.unwrap();
            put_to_exchange(&channel, key).await;
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
            let found = channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await;
            assert_eq!(found.unwrap().message_count(), 1, "{queue} {key}");
        }
    }
}

/// A publisher notices by itself that the exchange is missing, before the next reconciliation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_published_after_the_exchange_is_deleted() {
    let world = World::new().await;
    let channel = world.by_hand().await;
    let publisher = RabbitPublisher::new(world.broker.clone());
    let doer = Arc::new(Scripted::default());
    let running = world.consume(doer.clone());
    let mut events = Vec::new();
    for _ in 0..5 {
        let batch: Vec<_> = (0..300).map(|_| released()).collect();
        channel.exchange_delete(EXCHANGE.into(), ExchangeDeleteOptions::default()).await.unwrap();
        let results = publisher.publish(&batch).await;
        assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
        events.extend(batch);
    }
    eventually("all events are processed", async || doer.done_ids() == ids(&events)).await;
    running.stop().await;
}

async fn exists(world: &World, name: &str) -> bool {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    world.by_hand().await.queue_declare(name.into(), passive, FieldTable::default()).await.is_ok()
}

async fn put_to_exchange(channel: &Channel, kind: &str) {
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish(EXCHANGE.into(), kind.into(), options, b"{}", Default::default()).await;
    sent.unwrap().await.unwrap();
}
