//! `order-expiry`: resends events of orders that are stuck, and cancels orders that stay undecided too long.
//!
//! A sweep reads the sparse index of unsettled orders. An order without news for a while is resent: the event that it waits for an answer to
//! is emitted again. This repairs whatever was lost on the way, even in an outage longer than the retention of the tables' streams. An
//! order that stays undecided too long is cancelled. Every write is conditional on the version that was read, so that a sweep never
//! overwrites another change, and any number of processes may sweep at the same time.

mod settings;

use std::time::Duration;

use orderflow_bugs::is_planted;
use orderflow_domain::{CancellationReason, Fact, OrderId, Timestamp};
use orderflow_store::{Store, StoreError, TimeKey, WriteError};
use tokio::time::Instant;

use crate::repository::Orders;
use crate::table::OrderRecord;
use crate::transition::{Change, Transition};

pub use settings::ExpirySettings;

/// The number of keys that are listed at a time, and of orders that are read and written at a time.
const PAGE: usize = 100;

/// The number of changed orders after which a sweep ends. The next sweep changes the others.
const CHANGES_MAX: usize = 1_000;

/// The bundle and part `order-expiry`.
#[derive(Debug, Clone)]
pub struct OrderExpiry {
    orders: Orders,
    settings: ExpirySettings,
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// The number of orders that are not settled, new ones included.
    pub unsettled: usize,
    /// The age of the oldest of them; zero when there are none.
    pub oldest: Duration,
    /// The number of orders that were resent.
    pub resent: usize,
    /// The number of orders that were cancelled.
    pub expired: usize,
    /// Whether the sweep ended before it had read every unsettled order: its time was over, or it had changed as many orders as one sweep
    /// may.
    pub ended_early: bool,
}

impl OrderExpiry {
    /// Returns the part over this store.
    pub fn new(store: &Store, settings: ExpirySettings) -> Self {
        Self { orders: Orders::new(store), settings }
    }

    /// Resends and cancels the orders that are due at `now`, for at most `time`, and sets the gauges of unsettled orders.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer. Orders that were changed before stay changed; the others are due in the next sweep.
    pub async fn sweep(&self, now: Timestamp, time: Duration) -> Result<Swept, StoreError> {
        let mut sweep = Sweep { expiry: self, now, started: Instant::now(), time, swept: Swept::default() };
        let mut partitions = Orders::open_partitions();
        // A random first partition, so that sweeps that end early leave out a different one each time.
        let first = fastrand::usize(..partitions.len());
        partitions.rotate_left(first);
        for partition in &partitions {
            sweep.sweep_partition(partition).await?;
        }
        measure(&sweep.swept);
        Ok(sweep.swept)
    }
}

struct Sweep<'a> {
    expiry: &'a OrderExpiry,
    now: Timestamp,
    started: Instant,
    time: Duration,
    swept: Swept,
}

impl Sweep<'_> {
    /// Sweeps one partition of the index, oldest order first.
    async fn sweep_partition(&mut self, partition: &str) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            if self.started.elapsed() >= self.time || self.swept.resent + self.swept.expired >= CHANGES_MAX {
                self.swept.ended_early = true;
                return Ok(());
            }
            let (keys, next) = self.expiry.orders.list_open(partition, after.as_deref(), PAGE).await?;
            let due = self.count(&keys);
            self.change(due).await?;
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    /// Counts orders. Returns those that are old enough for a resend or a cancellation to be due.
    fn count(&mut self, keys: &[TimeKey]) -> Vec<OrderId> {
        let mut old_enough = Vec::new();
        for key in keys {
            let age = self.now.since(key.time);
            self.swept.unsettled += 1;
            self.swept.oldest = self.swept.oldest.max(age);
            if age >= self.expiry.settings.shortest() {
                old_enough.push(key.order_id);
            }
        }
        old_enough
    }

    /// Resends or cancels those of the orders that are due. An order that another writer changes meanwhile stays as that writer left it.
    async fn change(&mut self, ids: Vec<OrderId>) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let orders = &self.expiry.orders;
        let found = orders.get_valid(ids.into_iter()).await?;
        let due = found.iter().filter_map(|order| transition(order, &self.expiry.settings, self.now));
        let transitions: Vec<Transition> = due.collect();
        for (transition, result) in transitions.iter().zip(orders.replace_each(&transitions).await) {
            match result {
                Ok(()) => self.changed(transition),
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => {
                    tracing::warn!(%error, order.id = %transition.record.id, "order not written; the next sweep tries again");
                }
            }
        }
        Ok(())
    }

    fn changed(&mut self, transition: &Transition) {
        let OrderRecord { id, status, resends, .. } = &transition.record;
        let (count, message) = if transition.is_resend() {
            (&mut self.swept.resent, "order resent: nothing has happened to it for too long")
        } else {
            (&mut self.swept.expired, "order cancelled: it stayed undecided too long")
        };
        *count += 1;
        tracing::warn!(
            service = "order-expiry",
            order.id = %id,
            event.r#type = transition.event_type.as_str(),
            trace.id = transition.record.trace_id(),
            status,
            resends,
            "{message}"
        );
    }
}

/// Returns what is due for an order, applied to it. `None` when nothing is due, and for a status that this version does not know.
fn transition(order: &OrderRecord, settings: &ExpirySettings, now: Timestamp) -> Option<Transition> {
    let due = |state: orderflow_domain::OrderState| {
        if !state.status.is_final() && now.since(order.created_at) >= settings.expires_after {
            Some(Change::Decided(Fact::Cancelled(CancellationReason::Expired)))
        } else {
            let is_stuck = now.since(order.updated_at) >= settings.wait(state.resends);
            (is_stuck && !is_planted("stuck-order-not-resent")).then_some(Change::Resend)
        }
    };
    let transition = order.state().and_then(|state| Transition::of(order, due(state), now));
    transition.unwrap_or_else(|error| {
        tracing::error!(%error, order.id = %order.id, "order skipped: its status is unknown");
        None
    })
}

fn measure(swept: &Swept) {
    // The conversion is exact up to 2^53.
    metrics::gauge!("unsettled_orders").set(swept.unsettled as f64);
    metrics::gauge!("unsettled_oldest_seconds").set(swept.oldest.as_secs_f64());
    if swept.ended_early {
        tracing::warn!(
            service = "order-expiry",
            resent = swept.resent,
            expired = swept.expired,
            "sweep ended before it had read every unsettled order; the next sweep continues"
        );
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
