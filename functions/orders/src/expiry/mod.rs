//! `order-expiry`: sees to orders that stay open too long, by the sparse index of those that are not settled.
//!
//! One that has seen nothing happen for a while is resent, which heals whatever was lost on the way, be it in an outage longer than the streams
//! remember. One that stays undecided far too long is cancelled. Both are conditional on the version that was read, so whoever moves the order
//! meanwhile wins, and any number of processes may sweep at once.

mod review;
mod settings;

use std::time::{Duration, Instant};

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{Store, StoreError, TimeKey, WriteError};

use crate::repository::Orders;
use review::{Change, review};

pub use settings::ExpirySettings;

/// Positions that are asked for at a time, and orders that are read and written at a time.
const PAGE: usize = 100;

/// The most orders that one sweep begins to change; what is left over is still due in the next.
const MAX_CHANGES: usize = 1_000;

/// The bundle and part `order-expiry`.
#[derive(Debug, Clone)]
pub struct OrderExpiry {
    orders: Orders,
    settings: ExpirySettings,
}

/// What a sweep saw and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Orders that are not settled, those just placed among them.
    pub unsettled: usize,
    /// The age of the oldest of them; zero where there is none.
    pub oldest: Duration,
    /// Orders that were resent.
    pub resent: usize,
    /// Orders that were cancelled.
    pub expired: usize,
    /// Whether it ended before it had seen everything: its time was over, or it had changed as many orders as one sweep may.
    pub ended_early: bool,
}

impl OrderExpiry {
    /// The part over this store.
    pub fn new(store: &Store, settings: ExpirySettings) -> Self {
        Self { orders: Orders::new(store), settings }
    }

    /// Resends and cancels what is due at `now`, as far as it comes in `time`, and sets the gauges of unsettled orders.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer. What was done is done; the rest is due in the next sweep.
    pub async fn sweep(&self, now: Timestamp, time: Duration) -> Result<Swept, StoreError> {
        let mut sweep = Sweep { expiry: self, now, started: Instant::now(), time, swept: Swept::default() };
        let mut shards = Orders::open_shards();
        // Sweeps that end early leave out another shard each time.
        let first = fastrand::usize(..shards.len());
        shards.rotate_left(first);
        for shard in &shards {
            sweep.walk(shard).await?;
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
    /// One shard, oldest order first.
    async fn walk(&mut self, shard: &str) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            if self.started.elapsed() >= self.time || self.changed() >= MAX_CHANGES {
                self.swept.ended_early = true;
                return Ok(());
            }
            let positions = self.expiry.orders.list_open(shard, after.as_deref(), PAGE).await?;
            let grown = self.count(&positions);
            self.see_to(grown).await?;
            if positions.len() < PAGE {
                return Ok(());
            }
            after = positions.last().cloned();
        }
    }

    fn changed(&self) -> usize {
        self.swept.resent + self.swept.expired
    }

    /// Counts orders, and gives those that are old enough for anything to be due.
    fn count(&mut self, positions: &[String]) -> Vec<OrderId> {
        let mut grown = Vec::new();
        for position in positions {
            let Some(TimeKey { time, order_id }) = TimeKey::parse(position) else { continue };
            let age = self.now.since(time);
            self.swept.unsettled += 1;
            self.swept.oldest = self.swept.oldest.max(age);
            if age >= self.expiry.settings.shortest() {
                grown.push(order_id);
            }
        }
        grown
    }

    /// Does what is due. An order that somebody else changed meanwhile is left alone.
    async fn see_to(&mut self, ids: Vec<OrderId>) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let orders = &self.expiry.orders;
        let found = orders.get_readable(ids.into_iter()).await?;
        let changes: Vec<Change> =
            found.into_iter().filter_map(|order| review(order, &self.expiry.settings, self.now)).collect();
        let writes: Result<Vec<_>, StoreError> = changes
            .iter()
            .map(|change| orders.replace(&change.record, change.read_version, &change.outbox))
            .collect();
        for (change, result) in changes.iter().zip(orders.write_each(writes?).await) {
            match result {
                Ok(()) => self.done(change),
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => {
                    tracing::warn!(%error, order.id = %change.record.id, "the order is left to the next sweep");
                }
            }
        }
        Ok(())
    }

    fn done(&mut self, change: &Change) {
        change.log();
        if change.is_expiry() {
            self.swept.expired += 1;
        } else {
            self.swept.resent += 1;
        }
    }
}

fn measure(swept: &Swept) {
    // Exact up to 2^53.
    metrics::gauge!("unsettled_orders").set(swept.unsettled as f64);
    metrics::gauge!("unsettled_oldest_seconds").set(swept.oldest.as_secs_f64());
    if swept.ended_early {
        tracing::warn!(
            service = "order-expiry",
            resent = swept.resent,
            expired = swept.expired,
            "the sweep ended before it had seen every open order; the next one goes on"
        );
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
