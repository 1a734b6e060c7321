//! A table whose items are events, a relay that publishes them, and a function with scripted replies.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId, Timestamp};
use orderflow_embedded::Embedded;
use orderflow_messaging::{
    DeadLettered, ItemFailure, Publisher, QueueResponse, RetryPolicy, Target, TargetError,
};
use orderflow_store::{Store, TableDefinition, Write};
use serde::Serialize;

use super::super::{HELD_MAX, MemoryBroker, MemoryPublisher};
use crate::{DeadLetterRow, Delayed, RUNTIME, RuntimeTable, StreamPoller, StreamTarget};

/// The only consumer of the events of the tests.
pub(super) const CONSUMER: &str = "order-tracker";

static EVENTS: TableDefinition =
    TableDefinition { name: "events", hash: "id", range: None, indexes: &[], streams: true };

/// Gives a message up after the third attempt and ten minutes.
pub(super) const POLICY: RetryPolicy = RetryPolicy {
    max_attempts: 3,
    min_age: Duration::from_secs(600),
    base: Duration::from_millis(200),
    cap: Duration::from_secs(2),
};

/// The state that survives a restart.
pub(super) struct World {
    pub embedded: Embedded,
    pub store: Store,
    pub target: Arc<Scripted>,
    /// The most bodies that a queue keeps in memory.
    pub held_max: usize,
}

/// The state that a restart loses.
pub(super) struct Process {
    pub broker: Arc<MemoryBroker>,
    pub stream_poller: StreamPoller,
    pub relay: Arc<TestRelay>,
    target: Arc<dyn Target>,
}

#[derive(Serialize)]
struct EventItem {
    id: String,
    body: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let embedded = Embedded::in_memory().unwrap();
        let store = Store::new(embedded.backend(), "test");
        store.create_missing_tables(&[&RUNTIME, &EVENTS]).await.unwrap();
        Self { embedded, store, target: Arc::default(), held_max: HELD_MAX }
    }

    pub(super) async fn emit(&self) -> Event {
        let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
        let event = Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None);
        let item = EventItem { id: event.id.to_string(), body: event.to_json() };
        let table = self.store.table(&EVENTS);
        self.store.write(Write::put(&table, &item).unwrap()).await.unwrap();
        event
    }

    /// Emits an event with one scripted reply for each delivery, and `Done` for deliveries after the last.
    pub(super) async fn emit_for(&self, replies: impl IntoIterator<Item = Reply>) -> Event {
        let event = self.emit().await;
        self.target.script(&event, replies);
        event
    }

    pub(super) async fn start(&self) -> Process {
        let broker = MemoryBroker::open_holding(self.held_max, self.runtime(), POLICY).await.unwrap();
        let publisher = broker.publisher();
        let relay = Arc::new(TestRelay {
            publisher: publisher.clone(),
            failures: AtomicU32::default(),
            sequence_numbers: Mutex::default(),
        });
        let table = self.store.table_name(&EVENTS);
        let stream_poller =
            StreamPoller::open(self.runtime(), &table, relay.clone(), publisher).await.unwrap();
        Process { broker, stream_poller, relay, target: self.target.clone() }
    }

    pub(super) fn runtime(&self) -> RuntimeTable {
        RuntimeTable::new(&self.store)
    }

    pub(super) async fn delayed(&self) -> Vec<Delayed> {
        self.runtime().delayed(CONSUMER).await.unwrap()
    }

    pub(super) async fn dead(&self) -> Vec<DeadLetterRow> {
        self.runtime().dead_letters(CONSUMER).await.unwrap()
    }

    /// Returns the sequence number of the stored cursor and its count of starts.
    pub(super) async fn cursor(&self) -> (Option<u128>, u32) {
        let table = self.store.table(&RUNTIME);
        let key = table.key_with_range("cursor", self.store.table_name(&EVENTS));
        let row: crate::runtime_table::CursorRow = table.get(key).await.unwrap().unwrap();
        let number = row.after.map(|after| after.sequence_number.parse().unwrap());
        (number, row.starts)
    }
}

impl Process {
    pub(super) async fn deliver(&self, now: Timestamp) -> usize {
        self.broker.deliver(CONSUMER, &self.target, now).await
    }

    /// Relays and delivers due messages until there are none, then saves the cursor.
    pub(super) async fn work(&mut self, now: Timestamp) {
        while self.stream_poller.poll_once().await.unwrap() + self.deliver(now).await > 0 {}
        self.stream_poller.save_cursor().await.unwrap();
    }

    /// Works until no message is left, also no delayed one.
    pub(super) async fn drain(&mut self, mut now: Timestamp) {
        loop {
            self.work(now).await;
            match self.broker.next_due() {
                Some(due) => now = now.max(due),
                None => return,
            }
        }
    }
}

/// Publishes each item's event.
pub(super) struct TestRelay {
    publisher: Arc<MemoryPublisher>,
    /// The number of invocations that fail after they have published.
    pub failures: AtomicU32,
    pub sequence_numbers: Mutex<HashMap<String, u128>>,
}

#[async_trait]
impl StreamTarget for TestRelay {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        for record in batch.records {
            let item: BTreeMap<String, String> = serde_dynamo::from_item(record.change.new_image).unwrap();
            let number = record.change.sequence_number.unwrap().parse().unwrap();
            self.sequence_numbers.lock().unwrap().insert(item["id"].clone(), number);
            self.publisher.publish(&[Event::from_json(&item["body"]).unwrap()]).await;
        }
        let fails =
            self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        fails.map_or(Ok(()), |_| Err(TargetError::Failed("told to fail".to_owned())))
    }
}

/// The function's reply to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Done,
    Retry(Option<u64>),
    Dead,
    /// The function returns an error for the whole batch.
    Fail,
    Panic,
    /// The function returns this response for the whole batch.
    Answer(&'static str),
}

/// A function with scripted replies that records its deliveries.
#[derive(Default)]
pub(super) struct Scripted {
    script: Mutex<HashMap<String, VecDeque<Reply>>>,
    batches: Mutex<Vec<Vec<(String, u32)>>>,
    done: Mutex<Vec<String>>,
}

impl Scripted {
    pub(super) fn script(&self, event: &Event, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().insert(event.id.to_string(), replies.into_iter().collect());
    }

    /// Returns and clears the deliveries so far by batch, each with event and attempt.
    pub(super) fn take_batches(&self) -> Vec<Vec<(String, u32)>> {
        std::mem::take(&mut self.batches.lock().unwrap())
    }

    /// Returns the attempt numbers of an event's deliveries so far.
    pub(super) fn attempts(&self, event: &Event) -> Vec<u32> {
        let id = event.id.to_string();
        let batches = self.batches.lock().unwrap();
        batches.iter().flatten().filter(|(seen, _)| *seen == id).map(|(_, attempt)| *attempt).collect()
    }

    pub(super) fn times_done(&self, event: &Event) -> usize {
        let id = event.id.to_string();
        self.done.lock().unwrap().iter().filter(|done| **done == id).count()
    }

    fn answer(&self, records: &[(String, u32)]) -> Result<Vec<u8>, TargetError> {
        let mut response = QueueResponse::default();
        let mut done = Vec::new();
        for (position, (id, _)) in records.iter().enumerate() {
            let mut failure = ItemFailure::retry(position.to_string(), "told to");
            let reply = self.script.lock().unwrap().get_mut(id).and_then(VecDeque::pop_front);
            match reply.unwrap_or(Reply::Done) {
                Reply::Done => {
                    done.push(id.clone());
                    continue;
                }
                Reply::Retry(after) => failure.retry_after_ms = after,
                Reply::Dead => {
                    let (code, reason) = ("bad".to_owned(), "told to dead-letter".to_owned());
                    failure.dead_letter = Some(DeadLettered { code, reason });
                }
                Reply::Fail => return Err(TargetError::Failed("told to fail".to_owned())),
                Reply::Panic => panic!("told to panic"),
                Reply::Answer(text) => return Ok(text.as_bytes().to_vec()),
            }
            response.failures.push(failure);
        }
        self.done.lock().unwrap().extend(done);
        Ok(serde_json::to_vec(&response).unwrap())
    }
}

#[async_trait]
impl Target for Scripted {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let event: SqsEvent = serde_json::from_slice(&payload).unwrap();
        let records: Vec<_> = event.records.iter().map(delivery).collect();
        self.batches.lock().unwrap().push(records.clone());
        self.answer(&records)
    }
}

fn delivery(record: &SqsMessage) -> (String, u32) {
    let event = Event::from_json(record.body.as_deref().unwrap()).unwrap();
    (event.id.to_string(), record.attributes["ApproximateReceiveCount"].parse().unwrap())
}
