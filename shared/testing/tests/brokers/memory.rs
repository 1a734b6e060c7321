//! The memory broker as in one process: a table whose items are events, the table's stream, a relay, and the broker.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_bridge::memory::{MemoryAdmin, MemoryBroker, MemoryPublisher};
use orderflow_bridge::{
    ConsumerSwitch, RUNTIME, RuntimeTable, StreamPoller, StreamTarget, Target, TargetError, Wakeup,
};
use orderflow_domain::Event;
use orderflow_embedded::Embedded;
use orderflow_messaging::{DeadLetter, PublishError, Publisher, QueueAdmin, RetryPolicy};
use orderflow_store::{Store, TableDefinition, Write};
use orderflow_testing::conformance::BrokerUnderTest;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

static EVENTS: TableDefinition =
    TableDefinition { name: "events", hash: "id", range: None, indexes: &[], streams: true };

/// The memory broker over a store in memory.
pub(crate) struct Memory {
    policy: RetryPolicy,
    ground: Ground,
    process: Process,
}

/// The data that outlives a process.
#[derive(Clone)]
struct Ground {
    store: Store,
    /// The number of items.
    written: Arc<AtomicUsize>,
    /// The position in the stream up to which any process has read.
    read: Arc<Mutex<BTreeSet<u128>>>,
}

/// The consuming process.
struct Process {
    broker: Arc<MemoryBroker>,
    relay: Arc<Relay>,
    /// The number of items before the cursor when the process started.
    passed: usize,
    consumers: Part,
    stream_poller: Part,
}

/// Tasks that stop together.
struct Part {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// An item of the table. Each has its own key, because the same event may be written twice.
#[derive(Serialize, Deserialize)]
struct EventItem {
    id: String,
    body: String,
}

impl BrokerUnderTest for Memory {
    async fn start(policy: RetryPolicy) -> Self {
        let embedded = Embedded::in_memory().unwrap();
        let store = Store::new(embedded.backend(), "test");
        store.create_missing_tables(&[&RUNTIME, &EVENTS]).await.unwrap();
        let ground = Ground { store, written: Arc::default(), read: Arc::default() };
        let process = Process::start(&ground, &policy).await;
        Self { policy, ground, process }
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(self.ground.clone())
    }

    async fn attach(&mut self, consumer: &'static str, target: Arc<dyn Target>) {
        let Process { broker, consumers, .. } = &mut self.process;
        consumers.tasks.spawn(broker.clone().run(consumer, target, consumers.stop.subscribe()));
    }

    async fn crash(&mut self) {
        self.process.consumers.tasks.shutdown().await;
        self.process.stream_poller.tasks.shutdown().await;
        self.process = Process::start(&self.ground, &self.policy).await;
    }

    async fn stop(&mut self) {
        self.process.consumers.stop().await;
        self.process.stream_poller.stop().await;
        self.process = Process::start(&self.ground, &self.policy).await;
    }

    fn switch(&self) -> ConsumerSwitch {
        self.process.broker.switch().clone()
    }

    async fn waiting(&self, consumer: &str) -> u64 {
        let unread = self.process.unread(&self.ground);
        let counts = self.process.broker.counts()[consumer];
        (unread + counts.ready + counts.in_flight + counts.delayed) as u64
    }

    async fn dead_letters(&self, consumer: &str) -> Vec<DeadLetter> {
        MemoryAdmin::new(self.process.broker.clone()).dead_letters(consumer).await.unwrap()
    }
}

impl Process {
    async fn start(ground: &Ground, policy: &RetryPolicy) -> Self {
        let (table, runtime) = (ground.store.table_name(&EVENTS), RuntimeTable::new(&ground.store));
        let cursor = runtime.cursors().await.unwrap().into_iter().find(|(of, _)| *of == table);
        let cursor = cursor.map(|(_, position)| position.sequence_number.parse::<u128>().unwrap());
        let passed = cursor.map_or(0, |cursor| ground.read.lock().unwrap().range(..=cursor).count());
        let broker = MemoryBroker::open(runtime.clone(), policy.clone()).await.unwrap();
        let publisher = broker.publisher();
        let relay = Arc::new(Relay {
            publisher: publisher.clone(),
            read: ground.read.clone(),
            relayed: Mutex::default(),
        });
        let mut stream_poller = StreamPoller::open(runtime, &table, relay.clone(), publisher).await.unwrap();
        let (consumers, mut stream_pollers) = (Part::default(), Part::default());
        let wakeup = Wakeup::of(&**ground.store.backend(), &table);
        let stop = stream_pollers.stop.subscribe();
        stream_pollers.tasks.spawn(async move { stream_poller.run(wakeup, stop).await });
        Self { broker, relay, passed, consumers, stream_poller: stream_pollers }
    }

    /// Returns the number of items whose messages are not in the queues yet.
    fn unread(&self, ground: &Ground) -> usize {
        ground.written.load(Ordering::SeqCst) - self.passed - self.relay.relayed.lock().unwrap().len()
    }
}

impl Default for Part {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl Part {
    async fn stop(&mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

#[async_trait]
impl Publisher for Ground {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let first = self.written.fetch_add(events.len(), Ordering::SeqCst);
        let table = self.store.table(&EVENTS);
        let write = |(position, event): (usize, &Event)| {
            let item = EventItem { id: (first + position).to_string(), body: event.to_json() };
            Write::put(&table, &item).unwrap()
        };
        let results = self.store.write_each(events.iter().enumerate().map(write).collect()).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        vec![Ok(()); events.len()]
    }
}

/// Publishes each item's event.
struct Relay {
    publisher: Arc<MemoryPublisher>,
    read: Arc<Mutex<BTreeSet<u128>>>,
    /// The events that this process published.
    relayed: Mutex<BTreeSet<u128>>,
}

#[async_trait]
impl StreamTarget for Relay {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        for record in batch.records {
            let item: EventItem = serde_dynamo::from_item(record.change.new_image).unwrap();
            let number = record.change.sequence_number.unwrap().parse().unwrap();
            self.publisher.publish(&[Event::from_json(&item.body).unwrap()]).await;
            self.read.lock().unwrap().insert(number);
            self.relayed.lock().unwrap().insert(number);
        }
        Ok(())
    }
}
