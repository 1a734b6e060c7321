//! The conformance suite over SNS and SQS of MiniStack, each test with its own topic and queues. The emulator's executable is in
//! `ORDERFLOW_MINISTACK`; `cargo xtask tools ministack` installs it, and `cargo xtask test` sets the variable.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orderflow_bridge::{ConsumerSwitch, Target, TargetError, sdk_config};
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId, Timestamp};
use orderflow_messaging::{DeadLetter, Publisher, QueueAdmin, RetryPolicy};
use orderflow_sqs::{Provisioned, SnsPublisher, Sqs, SqsAdmin, SqsConsumer, SqsNames};
use orderflow_testing::conformance::BrokerUnderTest;
use orderflow_testing::ministack::{self, MiniStack};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

orderflow_testing::broker_suite!(Polled);

/// A topic with its queues, publisher and consumers.
struct Polled {
    policy: RetryPolicy,
    switch: ConsumerSwitch,
    queues: Arc<Sqs>,
    publisher: Arc<SnsPublisher>,
    admin: SqsAdmin,
    consumers: JoinSet<()>,
    stop: watch::Sender<bool>,
    _stack: Arc<MiniStack>,
}

fn executable() -> PathBuf {
    match std::env::var_os("ORDERFLOW_MINISTACK") {
        Some(path) => path.into(),
        None => panic!("ORDERFLOW_MINISTACK is not set: run `cargo xtask test`, which sets it"),
    }
}

/// A function that runs longer than the visibility timeout, and counts its calls.
#[derive(Default)]
struct Slow {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

#[async_trait::async_trait]
impl Target for Slow {
    async fn invoke(&self, _payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(40)).await;
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(br#"{"batchItemFailures":[]}"#.to_vec())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_process_is_not_delivered_to_another_consumer() {
    let mut broker = Polled::start(RetryPolicy::default()).await;
    let slow = Arc::new(Slow::default());
    for _ in 0..2 {
        broker.attach("order-tracker", slow.clone()).await;
    }
    let data =
        EventData::InventoryReleased(InventoryReleased { order_id: OrderId::generate(), items: vec![] });
    let event = Event::new(data, "", Timestamp::now(), None);
    assert_eq!(broker.publisher().publish(&[event]).await, [Ok(())]);
    let started = Instant::now();
    while broker.waiting("order-tracker").await > 0 || slow.ended.load(Ordering::Relaxed) == 0 {
        assert!(started.elapsed() < Duration::from_secs(90), "the message was never done");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(slow.begun.load(Ordering::Relaxed), 1);
}

impl BrokerUnderTest for Polled {
    const COUNTS_DEFERRED: bool = true;

    async fn start(policy: RetryPolicy) -> Self {
        let stack = ministack::shared(&executable()).await.unwrap();
        let config = sdk_config(Some(stack.endpoint())).await;
        let names = SqsNames::new(format!("t{}", Uuid::new_v4().simple()));
        let Provisioned { queues, publisher, .. } = orderflow_sqs::ensure(&config, names).await.unwrap();
        let queues = Arc::new(queues);
        Self {
            policy,
            switch: ConsumerSwitch::default(),
            admin: SqsAdmin::new(queues.clone()),
            queues,
            publisher: Arc::new(publisher),
            consumers: JoinSet::new(),
            stop: watch::Sender::new(false),
            _stack: stack,
        }
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        self.publisher.clone()
    }

    async fn attach(&mut self, consumer: &'static str, target: Arc<dyn Target>) {
        let (queues, policy, switch) = (self.queues.clone(), self.policy.clone(), self.switch.clone());
        let consumer = SqsConsumer { queues, consumer, target, policy, switch };
        self.consumers.spawn(consumer.run(self.stop.subscribe()));
    }

    async fn crash(&mut self) {
        self.consumers.shutdown().await;
    }

    async fn stop(&mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.consumers.join_next().await {
            ended.unwrap();
        }
        self.stop = watch::Sender::new(false);
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
