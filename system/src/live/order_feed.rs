//! What the events that this process publishes say about orders.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Event, EventType, OrderId, Timestamp};
use orderflow_messaging::{PublishError, Publisher};
use tokio::time::Instant;

use super::snapshot::{LatencyMillis, OrderChange, OrderCounts};

/// The changes that one report shows. At more of them it is sampled: the others are only counted.
const CHANGES_SHOWN: usize = 50;

/// The open orders whose start is remembered, to measure how long they take. Those beyond it are not measured.
const OPEN_MAX: usize = 20_000;

/// The orders of which the latency is computed: those that ended in this time, at most [`ENDED_MAX`].
const WINDOW: Duration = Duration::from_secs(60);
const ENDED_MAX: usize = 10_000;

/// Counts and remembers the changes of orders. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderFeed(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    counts: OrderCounts,
    changed: u64,
    /// The changes since they were last taken.
    changes: Vec<OrderChange>,
    left_out: u64,
    open: HashMap<OrderId, Timestamp>,
    ended: VecDeque<(Instant, u64)>,
}

/// The changes since the last report.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub counts: OrderCounts,
    pub changed: u64,
    pub changes: Vec<OrderChange>,
    pub left_out: u64,
    pub latency: Option<LatencyMillis>,
}

impl OrderFeed {
    /// Returns a publisher that also notes the events that the broker has taken.
    pub(crate) fn noting(&self, publisher: Arc<dyn Publisher>) -> Arc<dyn Publisher> {
        Arc::new(Noting { feed: self.clone(), publisher })
    }

    fn note(&self, event: &Event) {
        if let Some(id) = event.order_id() {
            self.record().note(id, event.event_type(), event.time);
        }
    }

    /// Returns what changed since the last call.
    pub(super) fn take(&self) -> Changes {
        let mut record = self.record();
        let latency = record.latency();
        Changes {
            counts: record.counts,
            changed: record.changed,
            changes: std::mem::take(&mut record.changes),
            left_out: std::mem::take(&mut record.left_out),
            latency,
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn note(&mut self, id: OrderId, event: EventType, time: Timestamp) {
        let (status, is_final) = match event {
            EventType::OrderPlaced => ("pending", false),
            EventType::InventoryReserved => ("reserved", false),
            EventType::OrderConfirmed => ("confirmed", true),
            EventType::OrderRejected => ("rejected", true),
            EventType::OrderCancelled => ("cancelled", true),
            _ => return,
        };
        self.changed += 1;
        self.counts.count(event);
        if event == EventType::OrderPlaced && self.open.len() < OPEN_MAX {
            self.open.insert(id, time);
        }
        if is_final && let Some(placed) = self.open.remove(&id) {
            self.ended_after(time.since(placed));
        }
        if self.changes.len() < CHANGES_SHOWN {
            self.changes.push(OrderChange { id, status, time });
        } else {
            self.left_out += 1;
        }
    }

    fn ended_after(&mut self, taken: Duration) {
        if self.ended.len() == ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back((Instant::now(), u64::try_from(taken.as_millis()).unwrap_or(u64::MAX)));
    }

    fn latency(&mut self) -> Option<LatencyMillis> {
        while self.ended.front().is_some_and(|(at, _)| at.elapsed() > WINDOW) {
            self.ended.pop_front();
        }
        let mut sorted: Vec<u64> = self.ended.iter().map(|(_, millis)| *millis).collect();
        sorted.sort_unstable();
        let at = |hundredths: usize| sorted.get((sorted.len() * hundredths).div_ceil(100).saturating_sub(1));
        Some(LatencyMillis { p50: *at(50)?, p99: *at(99)? })
    }
}

struct Noting {
    feed: OrderFeed,
    publisher: Arc<dyn Publisher>,
}

#[async_trait]
impl Publisher for Noting {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let results = self.publisher.publish(events).await;
        let published = events.iter().zip(&results).filter(|(_, result)| result.is_ok());
        published.for_each(|(event, _)| self.feed.note(event));
        results
    }

    fn is_connected(&self) -> bool {
        self.publisher.is_connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> OrderId {
        let text = uuid::Uuid::from_u128(0x0190_163d_8694_739b_8000_0000_0000_0000 + number).to_string();
        OrderId::parse(&text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn changes_are_counted_and_the_time_to_the_end_is_measured() {
        let feed = OrderFeed::default();
        let at = Timestamp::from_millis;
        feed.record().note(id(1), EventType::OrderPlaced, at(1_000));
        feed.record().note(id(1), EventType::InventoryReserved, at(1_010));
        feed.record().note(id(1), EventType::OrderConfirmed, at(1_040));
        let taken = feed.take();
        assert_eq!((taken.counts.placed, taken.counts.confirmed, taken.changed), (1, 1, 3));
        assert_eq!(taken.latency, Some(LatencyMillis { p50: 40, p99: 40 }));
        assert_eq!(taken.changes.len(), 3);
        tokio::time::advance(WINDOW + Duration::from_secs(1)).await;
        let later = feed.take();
        assert_eq!((later.changed, later.changes.len(), later.latency), (3, 0, None));
    }

    #[tokio::test]
    async fn a_report_of_many_changes_is_sampled_and_says_so() {
        let feed = OrderFeed::default();
        for number in 0..80 {
            feed.record().note(id(number), EventType::OrderPlaced, Timestamp::now());
        }
        let taken = feed.take();
        assert_eq!((taken.changes.len(), taken.left_out, taken.changed), (CHANGES_SHOWN, 30, 80));
    }
}
