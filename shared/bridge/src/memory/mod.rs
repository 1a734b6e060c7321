//! A broker inside this process. What makes it durable is the store: a message lives in its table's stream until every
//! consumer is done with it, or in a row of the table `runtime` from when it is put off.
//!
//! Killing the process at any moment loses nothing. The stream's cursor (its low-water mark) moves only past records all of
//! whose messages are done or have their row, so a restart delivers again whatever was in hand.

mod admin;
mod delivery;
mod publisher;
mod queue;
mod settle;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderflow_domain::Timestamp;
use orderflow_messaging::{RetryPolicy, SUBSCRIPTIONS, Subscription};
use orderflow_store::StoreError;
use tokio::sync::Notify;

use crate::{ConsumerSwitch, RuntimeTable};
use queue::{Message, Origin, Queue};

pub use admin::MemoryAdmin;
pub use publisher::MemoryPublisher;

/// Messages that may wait in memory over all queues before streams are read on. What is not read stays in the streams.
const MAX_BACKLOG: usize = 50_000;

/// The broker.
pub struct MemoryBroker {
    runtime: RuntimeTable,
    policy: RetryPolicy,
    queues: Mutex<BTreeMap<&'static str, Queue>>,
    switch: ConsumerSwitch,
    arrivals: BTreeMap<&'static str, Notify>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages that can be delivered.
    pub ready: usize,
    /// Messages that are being delivered.
    pub in_flight: usize,
    /// Messages that come again later.
    pub delayed: usize,
}

impl MemoryBroker {
    /// A broker with a queue for each subscription, filled with what was put off before.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn open(runtime: RuntimeTable, policy: RetryPolicy) -> Result<Arc<Self>, StoreError> {
        let mut queues = BTreeMap::new();
        for Subscription { consumer, .. } in SUBSCRIPTIONS {
            let mut queue = Queue::default();
            for row in runtime.delayed(consumer).await? {
                let due = row.due;
                queue.delay(Message::from(row), due);
            }
            queues.insert(*consumer, queue);
        }
        let arrivals = SUBSCRIPTIONS.iter().map(|row| (row.consumer, Notify::new())).collect();
        let (queues, switch) = (Mutex::new(queues), ConsumerSwitch::default());
        Ok(Arc::new(Self { runtime, policy, queues, switch, arrivals }))
    }

    /// Stops and starts deliveries to single consumers.
    pub fn switch(&self) -> &ConsumerSwitch {
        &self.switch
    }

    /// How full each queue is.
    pub fn counts(&self) -> BTreeMap<&'static str, QueueCounts> {
        lock(&self.queues).iter().map(|(consumer, queue)| (*consumer, queue.counts())).collect()
    }

    /// The earliest time at which a delayed message comes again.
    pub fn next_due(&self) -> Option<Timestamp> {
        let queues = lock(&self.queues);
        let running = queues.iter().filter(|(consumer, _)| !self.switch.is_stopped(consumer));
        running.filter_map(|(_, queue)| queue.next_due()).min()
    }

    fn has_room(&self) -> bool {
        lock(&self.queues).values().map(|queue| queue.counts().ready).sum::<usize>() < MAX_BACKLOG
    }

    fn with_queue<T>(&self, consumer: &str, act: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        lock(&self.queues).get_mut(consumer).map(act)
    }

    fn announce(&self, consumer: &str) {
        if let Some(arrivals) = self.arrivals.get(consumer) {
            arrivals.notify_one();
        }
    }
}

/// No code panics while it holds one of these locks, so what is behind a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
