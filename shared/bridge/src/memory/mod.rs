//! A broker in this process. The store makes it durable: a message is in its table's stream until every consumer is done with it, or in a row of the
//! table `runtime` while it is delayed, or while many other messages wait for the same consumer.
//!
//! Killing the process at any moment loses no message. A stream's cursor (its low-water mark) moves only past records whose messages are all done or
//! have a row, so a restart delivers every message again that was in flight.

mod admin;
mod apply;
mod delivery;
mod publisher;
mod queue;
mod steady_clock;
mod stored;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderflow_domain::Timestamp;
use orderflow_messaging::{RetryPolicy, SUBSCRIPTIONS, Subscription};
use orderflow_store::StoreError;
use tokio::sync::Notify;

use crate::{ConsumerSwitch, Delayed, RuntimeTable};
use queue::{HELD_MAX, Message, Origin, Queue};
use steady_clock::SteadyClock;

pub use admin::MemoryAdmin;
pub use publisher::MemoryPublisher;

/// The broker.
pub struct MemoryBroker {
    runtime: RuntimeTable,
    policy: RetryPolicy,
    clock: SteadyClock,
    queues: Mutex<BTreeMap<&'static str, Queue>>,
    switch: ConsumerSwitch,
    arrivals: BTreeMap<&'static str, Notify>,
    /// Whether the rows of waiting messages cannot be written or read, and the log says so.
    is_cut_off: AtomicBool,
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
        Self::open_holding(HELD_MAX, runtime, policy).await
    }

    /// Opens a broker that keeps at most this many bodies of messages of each queue in memory.
    async fn open_holding(
        held_max: usize,
        runtime: RuntimeTable,
        policy: RetryPolicy,
    ) -> Result<Arc<Self>, StoreError> {
        let clock = SteadyClock::start();
        let mut queues = BTreeMap::new();
        for Subscription { consumer, .. } in SUBSCRIPTIONS {
            let mut queue = Queue::holding(held_max);
            let delay = |row: Delayed| {
                let due = row.due_by(clock.now(), policy.cap);
                queue.delay(Message::from(row), due);
            };
            runtime.visit_delayed(consumer, delay).await?;
            queues.insert(*consumer, queue);
        }
        let arrivals = SUBSCRIPTIONS.iter().map(|row| (row.consumer, Notify::new())).collect();
        let (queues, switch) = (Mutex::new(queues), ConsumerSwitch::default());
        Ok(Arc::new(Self {
            runtime,
            policy,
            clock,
            queues,
            switch,
            arrivals,
            is_cut_off: AtomicBool::new(false),
        }))
    }

    /// Returns the switch that stops and starts deliveries to single consumers.
    pub fn switch(&self) -> &ConsumerSwitch {
        &self.switch
    }

    /// Returns the message counts of each queue.
    pub fn counts(&self) -> BTreeMap<&'static str, QueueCounts> {
        lock(&self.queues).iter().map(|(consumer, queue)| (*consumer, queue.counts())).collect()
    }

    /// Returns the time of the message at the head of each queue that has one.
    pub fn oldest(&self) -> BTreeMap<&'static str, Timestamp> {
        let queues = lock(&self.queues);
        queues.iter().filter_map(|(consumer, queue)| Some((*consumer, queue.oldest()?))).collect()
    }

    /// Returns the earliest due time of all delayed messages whose consumers are not stopped.
    pub fn next_due(&self) -> Option<Timestamp> {
        let queues = lock(&self.queues);
        let running = queues.iter().filter(|(consumer, _)| !self.switch.is_stopped(consumer));
        running.filter_map(|(_, queue)| queue.next_due()).min()
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
