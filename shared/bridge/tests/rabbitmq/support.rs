//! A virtual host for each test, events, and a function that dead-letters chosen events.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsEvent;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitAdmin, RabbitConsumer, RabbitMq, RabbitPublisher};
use orderflow_bridge::{ConsumerSwitch, Target, TargetError};
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId, Sku, StockAdjusted, Timestamp};
use orderflow_messaging::{
    DeadLetter, DeadLettered, ItemFailure, Publisher, QueueAdmin, QueueResponse, RetryPolicy, SUBSCRIPTIONS,
};
use orderflow_testing::rabbitmq::{RabbitMq as Node, shared};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The only consumer of the events of the tests.
pub(crate) const CONSUMER: &str = "order-tracker";

const PATIENCE: Duration = Duration::from_secs(60);

/// The broker of one test.
pub(crate) struct World {
    pub(crate) admin: Arc<RabbitAdmin>,
    pub(crate) broker: Arc<RabbitMq>,
    pub(crate) uri: String,
    node: Arc<Node>,
}

/// A running consumer.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let node = shared::node().await.unwrap();
        let uri = node.fresh_virtual_host().unwrap();
        let broker = RabbitMq::new(BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None });
        broker.connect().await.unwrap();
        Self { admin: Arc::new(RabbitAdmin::new(broker.clone())), broker, uri, node }
    }

    pub(crate) async fn publish(&self, count: usize) -> Vec<Event> {
        let events: Vec<Event> = (0..count).map(|_| released()).collect();
        let results = RabbitPublisher::new(self.broker.clone()).publish(&events).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        events
    }

    /// Publishes events that a temporary consumer dead-letters with this code.
    pub(crate) async fn dead_letter(&self, count: usize, code: &'static str) -> Vec<Event> {
        let before = self.dead_count().await;
        let (refusing, events) = (Arc::new(Scripted::default()), self.publish(count).await);
        refusing.dead_letter(&events, code);
        let running = self.consume(refusing);
        eventually("all events are dead letters", async || self.dead_count().await == before + count as u64)
            .await;
        running.stop().await;
        events
    }

    pub(crate) fn consume(&self, target: Arc<dyn Target>) -> Running {
        consume_over(self.broker.clone(), target)
    }

    /// Publishes an event that no consumer subscribes to.
    pub(crate) async fn publish_unheard(&self) {
        let sku = Sku::parse("MUG").unwrap();
        let data = StockAdjusted { sku, available: 1, reserved: 0, change: 1 };
        let event = Event::new(EventData::StockAdjusted(data), "", Timestamp::now(), None);
        assert!(SUBSCRIPTIONS.iter().all(|row| !row.types.contains(&event.event_type())));
        assert_eq!(RabbitPublisher::new(self.broker.clone()).publish(&[event]).await, [Ok(())]);
    }

    /// Returns the address of the broker.
    pub(crate) fn node_address(&self) -> SocketAddr {
        self.node.address()
    }

    pub(crate) async fn dead_count(&self) -> u64 {
        let statuses = self.admin.queues().await.unwrap();
        statuses.iter().find(|status| status.consumer == CONSUMER).unwrap().dead
    }

    pub(crate) async fn dead(&self) -> Vec<DeadLetter> {
        self.admin.dead_letters(CONSUMER).await.unwrap()
    }

    /// Opens a channel that does not use the bridge.
    pub(crate) async fn by_hand(&self) -> Channel {
        let connection = Connection::connect(&self.uri, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        channel
    }
}

pub(crate) fn consume_over(broker: Arc<RabbitMq>, target: Arc<dyn Target>) -> Running {
    consume_with(broker, target, RetryPolicy::default())
}

pub(crate) fn consume_with(broker: Arc<RabbitMq>, target: Arc<dyn Target>, policy: RetryPolicy) -> Running {
    let (stop, stopped) = watch::channel(false);
    let switch = ConsumerSwitch::default();
    let consumer = RabbitConsumer {
        consuming: broker.clone(),
        publishing: broker,
        consumer: CONSUMER,
        target,
        policy,
        switch,
    };
    Running { stop, task: tokio::spawn(consumer.run(stopped)) }
}

impl Running {
    /// Aborts the consumer at any point, as a crash would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        // The task returns that it was cancelled.
        let _ = self.task.await;
    }

    /// Stops the consumer and waits until it has completed its batch.
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// Returns when the broker has confirmed the message.
pub(crate) async fn put(channel: &Channel, queue: &str, body: &str, properties: BasicProperties) {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = channel.basic_publish("".into(), queue.into(), options, body.as_bytes(), properties).await;
    assert!(confirm.unwrap().await.unwrap().is_ack());
}

pub(crate) fn released() -> Event {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None)
}

pub(crate) fn ids(events: &[Event]) -> BTreeSet<String> {
    events.iter().map(|event| event.id.to_string()).collect()
}

/// Waits until the condition holds.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < PATIENCE, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Dead-letters chosen events with a chosen code and processes all others.
#[derive(Default)]
pub(crate) struct Scripted {
    codes: Mutex<HashMap<String, &'static str>>,
    done: Mutex<Vec<(Event, String)>>,
}

impl Scripted {
    pub(crate) fn dead_letter(&self, events: &[Event], code: &'static str) {
        let mut codes = self.codes.lock().unwrap();
        codes.extend(events.iter().map(|event| (event.id.to_string(), code)));
    }

    /// Returns the processed events, each with its attempt number.
    pub(crate) fn done(&self) -> Vec<(Event, String)> {
        self.done.lock().unwrap().clone()
    }

    pub(crate) fn done_ids(&self) -> BTreeSet<String> {
        self.done.lock().unwrap().iter().map(|(event, _)| event.id.to_string()).collect()
    }
}

#[async_trait]
impl Target for Scripted {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let batch: SqsEvent = serde_json::from_slice(&payload).unwrap();
        let mut response = QueueResponse::default();
        for (position, record) in batch.records.iter().enumerate() {
            let event = Event::from_json(record.body.as_deref().unwrap()).unwrap();
            let attempt = record.attributes["ApproximateReceiveCount"].clone();
            let code = self.codes.lock().unwrap().get(&event.id.to_string()).copied();
            let Some(code) = code else {
                self.done.lock().unwrap().push((event, attempt));
                continue;
            };
            let mut failure = ItemFailure::retry(position.to_string(), "told to dead-letter");
            failure.dead_letter =
                Some(DeadLettered { code: code.to_owned(), reason: "told to dead-letter".to_owned() });
            response.failures.push(failure);
        }
        Ok(serde_json::to_vec(&response).unwrap())
    }
}
