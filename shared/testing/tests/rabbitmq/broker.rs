//! The conformance suite over a RabbitMQ node, each test in its own virtual host.

use std::sync::Arc;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use orderflow_bridge::rabbitmq::{
    BrokerAddress, RabbitAdmin, RabbitConsumer, RabbitMq, RabbitPublisher, queue,
};
use orderflow_bridge::{ConsumerSwitch, Target};
use orderflow_messaging::{DeadLetter, Publisher, QueueAdmin, RetryPolicy};
use orderflow_testing::conformance::{AcceptsAnything, BrokerUnderTest};
use orderflow_testing::rabbitmq::{self, shared};
use tokio::sync::watch;
use tokio::task::JoinSet;

orderflow_testing::broker_suite!(Rabbit, anything);

/// A virtual host, its publisher and its consumers.
pub(crate) struct Rabbit {
    uri: String,
    policy: RetryPolicy,
    switch: ConsumerSwitch,
    publisher: Arc<RabbitPublisher>,
    admin: RabbitAdmin,
    process: Process,
    _node: Arc<rabbitmq::RabbitMq>,
}

/// The consuming process.
struct Process {
    broker: Arc<RabbitMq>,
    consumers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

fn broker_at(uri: &str) -> Arc<RabbitMq> {
    RabbitMq::new(BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None })
}

impl BrokerUnderTest for Rabbit {
    async fn start(policy: RetryPolicy) -> Self {
        let node = shared::node().await.unwrap();
        let uri = node.fresh_virtual_host().unwrap();
        let broker = broker_at(&uri);
        broker.connect().await.unwrap();
        Self {
            publisher: Arc::new(RabbitPublisher::new(broker)),
            admin: RabbitAdmin::new(broker_at(&uri)),
            process: Process::start(&uri),
            switch: ConsumerSwitch::default(),
            policy,
            uri,
            _node: node,
        }
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        self.publisher.clone()
    }

    async fn attach(&mut self, consumer: &'static str, target: Arc<dyn Target>) {
        let (broker, policy, switch) =
            (self.process.broker.clone(), self.policy.clone(), self.switch.clone());
        let consumer = RabbitConsumer {
            consuming: broker.clone(),
            publishing: broker,
            consumer,
            target,
            policy,
            switch,
        };
        self.process.consumers.spawn(consumer.run(self.process.stop.subscribe()));
    }

    async fn crash(&mut self) {
        self.process.consumers.shutdown().await;
        // The connection is closed when its last owner is dropped.
        self.process = Process::start(&self.uri);
    }

    async fn stop(&mut self) {
        self.process.stop.send_replace(true);
        while let Some(ended) = self.process.consumers.join_next().await {
            ended.unwrap();
        }
        self.process.broker.close().await;
        self.process = Process::start(&self.uri);
    }

    fn switch(&self) -> ConsumerSwitch {
        self.switch.clone()
    }

    async fn waiting(&self, consumer: &str) -> u64 {
        let queues = self.admin.queues().await.unwrap();
        let status = queues.into_iter().find(|status| status.consumer == consumer).unwrap();
        status.ready + status.in_flight + status.delayed
    }

    async fn dead_letters(&self, consumer: &str) -> Vec<DeadLetter> {
        self.admin.dead_letters(consumer).await.unwrap()
    }
}

impl AcceptsAnything for Rabbit {
    async fn put(&self, consumer: &str, body: &str) {
        let connection = Connection::connect(&self.uri, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let (options, bare) = (BasicPublishOptions::default(), BasicProperties::default());
        let queue = queue(consumer);
        let confirm = channel.basic_publish("".into(), queue.as_str().into(), options, body.as_bytes(), bare);
        assert!(confirm.await.unwrap().await.unwrap().is_ack());
    }
}

impl Process {
    /// Connects when the first consumer is attached.
    fn start(uri: &str) -> Self {
        Self { broker: broker_at(uri), consumers: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}
