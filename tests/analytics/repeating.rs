//! The system in this process, with every event published twice and in random order.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use axum::body::Body;
use axum::http::Request;
use orderflow_bridge::memory::MemoryBroker;
use orderflow_bridge::{RuntimeTable, StreamPoller, StreamTarget, TargetError};
use orderflow_domain::{Event, Timestamp};
use orderflow_engine::Location;
use orderflow_messaging::{Publisher, RetryPolicy, SUBSCRIPTIONS};
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_store::Store;
use orderflow_system::{Part, Settings};
use orderflow_testing::faults::{FaultRates, FaultyPublisher};
use orderflow_tests::{Answer, EmbeddedMode, Mode, ModeSettings};

const EVERY_EVENT_TWICE: FaultRates = FaultRates {
    fail_before: 0.0,
    fail_after: 0.0,
    repeat: 1.0,
    reorder: 1.0,
    delay: 0.0,
    longest_delay: std::time::Duration::ZERO,
};

/// The system with a relay that repeats and reorders events.
pub(crate) struct RepeatingMode {
    embedded: EmbeddedMode,
    broker: Arc<MemoryBroker>,
    stream_pollers: Vec<StreamPoller>,
    publishers: Vec<Arc<FaultyPublisher>>,
}

struct RelayTarget(Relay);

#[async_trait]
impl StreamTarget for RelayTarget {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        self.0.handle(batch).await.map_err(|error| TargetError::Failed(error.to_string()))
    }
}

impl RepeatingMode {
    pub(crate) fn store(&self) -> &Store {
        self.embedded.system.store()
    }

    /// The number of repeated events.
    pub(crate) fn repeated(&self) -> u64 {
        self.publishers.iter().map(|publisher| publisher.counts().repeated).sum()
    }

    /// Runs one round: relays the records in the streams, and delivers one batch to each consumer. Returns the number of records and messages.
    pub(crate) async fn step(&mut self) -> usize {
        let mut done = self.relay().await;
        for row in SUBSCRIPTIONS {
            done += self.deliver(row.consumer).await;
        }
        done
    }

    /// Delivers all messages of one consumer and none to the others.
    pub(crate) async fn deliver_to(&mut self, consumer: &'static str) {
        while self.relay().await + self.deliver(consumer).await > 0 {}
    }

    /// Publishes events of other services.
    pub(crate) async fn tell(&self, events: &[Event]) {
        let results = self.broker.publisher().publish(events).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }

    async fn relay(&mut self) -> usize {
        let mut done = 0;
        for stream_poller in &mut self.stream_pollers {
            stream_poller.save_cursor().await.unwrap();
            done += stream_poller.poll_once().await.unwrap();
        }
        done
    }

    async fn deliver(&self, consumer: &'static str) -> usize {
        let target = self.embedded.system.target(consumer).unwrap();
        self.broker.deliver(consumer, target, Timestamp::now()).await
    }
}

impl Mode for RepeatingMode {
    async fn start(settings: ModeSettings) -> Self {
        let mut settings = settings.apply(Settings::new(Location::Memory));
        settings.parts = Part::all().filter(|part| part.name() != "outbox-relay").collect();
        let embedded = EmbeddedMode::open(settings).await.unwrap();
        let store = embedded.system.store();
        let runtime = RuntimeTable::new(store);
        let broker = MemoryBroker::open(runtime.clone(), RetryPolicy::default()).await.unwrap();
        let (mut stream_pollers, mut publishers) = (Vec::new(), Vec::new());
        for (seed, source) in (0..).zip(EVENT_SOURCES) {
            let sink = broker.publisher();
            let publisher = Arc::new(FaultyPublisher::new(sink.clone(), EVERY_EVENT_TWICE, seed));
            let dead_letters = Arc::new(runtime.dead_letter_queue());
            let relay = RelayTarget(Relay::new(store, EVENT_SOURCES, publisher.clone(), dead_letters));
            let (runtime, table) = (runtime.clone(), store.table_name(source.table));
            let stream_poller = StreamPoller::open(runtime, &table, Arc::new(relay), sink).await;
            stream_pollers.push(stream_poller.unwrap());
            publishers.push(publisher);
        }
        let mut mode = Self { embedded, broker, stream_pollers, publishers };
        mode.wait_until_idle().await;
        mode
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        self.embedded.call(request).await
    }

    async fn wait_until_idle(&mut self) {
        while self.step().await > 0 {}
        let waiting: BTreeMap<_, _> =
            self.broker.counts().into_iter().filter(|(_, counts)| counts.delayed > 0).collect();
        assert!(waiting.is_empty(), "a message is delayed, although nothing fails: {waiting:?}");
    }
}
