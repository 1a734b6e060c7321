//! A broker in this process. The store makes it durable: a message is in its table's stream until every consumer is done with it, or in a row of the
//! table `runtime` while it is delayed.
//!
//! Killing the process at any moment loses no message. A stream's cursor (its low-water mark) moves only past records whose messages are all done or
//! have a row, so a restart delivers every message again that was in flight.

mod admin;
mod apply;
mod delivery;
mod publisher;
mod queue;

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

/// The most ready messages of all queues together. At this number the streams are not read further; unread records stay in the streams.
const READY_MAX: usize = 50_000;

/// The broker.
pub struct MemoryBroker {
    runtime: RuntimeTable,
    policy: RetryPolicy,
    queues: Mutex<BTreeMap<&'static str, Queue>>,
    switch: ConsumerSwitch,
    arrivals: BTreeMap<&'static str, Notify>,
}

/// The message counts of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages that wait for delivery.
    pub ready: usize,
    /// Messages delivered and not yet acknowledged.
    pub in_flight: usize,
    /// Messages that wait for their retry.
    pub delayed: usize,
}

impl MemoryBroker {
    /// Creates a broker with a queue for each subscription, and loads the delayed messages from the store.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
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

    /// Returns the switch that stops and starts deliveries to single consumers.
    pub fn switch(&self) -> &ConsumerSwitch {
        &self.switch
    }

    /// Returns the message counts of each queue.
    pub fn counts(&self) -> BTreeMap<&'static str, QueueCounts> {
        lock(&self.queues).iter().map(|(consumer, queue)| (*consumer, queue.counts())).collect()
    }

    /// Returns the earliest due time of all delayed messages whose consumers are not stopped.
    pub fn next_due(&self) -> Option<Timestamp> {
        let queues = lock(&self.queues);
        let running = queues.iter().filter(|(consumer, _)| !self.switch.is_stopped(consumer));
        running.filter_map(|(_, queue)| queue.next_due()).min()
    }

    fn has_room(&self) -> bool {
        lock(&self.queues).values().map(|queue| queue.counts().ready).sum::<usize>() < READY_MAX
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

/// Locks a mutex. No code panics while it holds one of these locks, so the value behind a poisoned lock is complete.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
