//! The lease of the relay: of all processes that could publish the events of a store, one does.
//!
//! Consumers tolerate an event that is published twice, so a lease that two processes hold for a moment does no harm; it saves the work of
//! publishing and handling everything twice. Only durations are compared, since clocks of machines differ.

use std::time::Duration;

use orderflow_store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{StreamPoller, Wakeup};
use crate::RuntimeTable;
use crate::runtime_table::LeaseRow;

/// The time between two renewals, and between two looks at the lease of another process.
const RENEWAL: Duration = Duration::from_secs(1);

/// A lease that was not renewed for this long is free.
const EXPIRY: Duration = Duration::from_secs(5);

/// How often a process that is starting says that it waits.
const WAITING_AGAIN: Duration = Duration::from_secs(10);

/// The pause after a stream could not be opened.
const REOPEN: Duration = Duration::from_secs(1);

/// One process's claim to the lease.
pub struct RelayLease {
    runtime: RuntimeTable,
    owner: String,
}

/// A lease that this process holds.
pub struct HeldLease {
    row: LeaseRow,
    renewed: Instant,
}

impl RelayLease {
    /// Returns the claim of this process to the lease of the store that has this table.
    pub fn new(runtime: RuntimeTable) -> Self {
        Self { runtime, owner: orderflow_domain::ordered_id().to_string() }
    }

    /// Waits until this process holds the lease, at the start. Warns every ten seconds that it waits.
    pub async fn acquire_at_start(&self) -> HeldLease {
        let acquired = self.acquire();
        tokio::pin!(acquired);
        loop {
            tokio::select! {
                held = &mut acquired => return held,
                () = tokio::time::sleep(WAITING_AGAIN) => {
                    tracing::warn!("waiting for the lease of the relay: another process holds it, or the store does not answer");
                }
            }
        }
    }

    /// Waits until this process holds the lease. Says so in the log if another process renews it.
    pub async fn acquire(&self) -> HeldLease {
        let mut other = OtherHolder::default();
        loop {
            match self.try_acquire(&mut other).await {
                Ok(Some(held)) => return held,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "lease of the relay cannot be read"),
            }
            tokio::time::sleep(RENEWAL).await;
        }
    }

    async fn try_acquire(&self, other: &mut OtherHolder) -> Result<Option<HeldLease>, StoreError> {
        let found = self.runtime.lease().await?;
        if found.as_ref().is_some_and(|row| other.holds(row)) {
            return Ok(None);
        }
        let renewed = Instant::now();
        let row = LeaseRow::new(&self.owner);
        let taken = self.runtime.take_lease(&row, found.as_ref()).await?;
        Ok(taken.then_some(HeldLease { row, renewed }))
    }

    /// Renews a lease until another process takes it, however long the store does not answer meanwhile: as long as no other process took it, no other
    /// process relayed.
    pub async fn keep_until_taken(&self, held: HeldLease) {
        let mut row = held.row;
        loop {
            tokio::time::sleep(RENEWAL).await;
            let next = row.renewed();
            match self.runtime.renew_lease(&next).await {
                Ok(true) => row = next,
                Ok(false) => break,
                Err(error) => tracing::debug!(%error, "lease of the relay cannot be renewed"),
            }
        }
        report_loss();
    }

    /// Renews a lease until it is lost: another process took it, or it could not be renewed in time.
    pub async fn keep(&self, mut held: HeldLease) {
        while held.renewed.elapsed() < EXPIRY {
            tokio::time::sleep(RENEWAL).await;
            let (now, next) = (Instant::now(), held.row.renewed());
            match self.runtime.renew_lease(&next).await {
                Ok(true) => held = HeldLease { row: next, renewed: now },
                Ok(false) => break,
                Err(error) => tracing::debug!(%error, "lease of the relay cannot be renewed"),
            }
        }
        report_loss();
    }

    /// Takes the lease whenever it is free, until `stop` becomes true. `suspended` is true while this process does not hold it. Returns the
    /// lease at the end, after every receiver of `suspended` is dropped.
    pub async fn run(self, suspended: watch::Sender<bool>, mut stop: watch::Receiver<bool>) {
        let held = async {
            loop {
                let held = self.acquire().await;
                suspended.send_replace(false);
                self.keep(held).await;
                suspended.send_replace(true);
            }
        };
        tokio::select! {
            () = held => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        suspended.send_replace(true);
        suspended.closed().await;
        self.release().await;
    }

    /// Returns the lease, so that another process need not wait until it expires.
    pub async fn release(&self) {
        if let Err(error) = self.runtime.release_lease(&self.owner).await {
            tracing::debug!(%error, "lease of the relay cannot be returned");
        }
    }
}

fn report_loss() {
    tracing::warn!("this process lost the lease of the relay and stops to relay events");
}

/// What is known of the process that holds the lease.
#[derive(Default)]
struct OtherHolder {
    seen: Option<(LeaseRow, Instant)>,
    reported: bool,
}

impl OtherHolder {
    /// Returns whether the process that wrote this row still holds the lease.
    fn holds(&mut self, row: &LeaseRow) -> bool {
        if let Some((before, since)) = &self.seen {
            if before == row {
                return since.elapsed() < EXPIRY;
            }
            if !std::mem::replace(&mut self.reported, true) {
                tracing::info!(
                    "another process relays the events of this store; this one takes over when that one ends"
                );
            }
        }
        self.seen = Some((row.clone(), Instant::now()));
        true
    }
}

/// Runs a stream poller while `suspended` is false, until `stop` becomes true. The poller continues where the process that relayed before stopped.
pub async fn run_unless_suspended(
    mut stream_poller: StreamPoller,
    wakeup: Wakeup,
    mut suspended: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let mut outage = stream_poller.outage();
    while !*stop.borrow() {
        tokio::select! {
            resumed = suspended.wait_for(|suspended| !*suspended) => if resumed.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = stream_poller.reopen().await {
            if outage.fails() {
                tracing::warn!(table = stream_poller.table(), %error, "stream cannot be opened; trying again");
            }
            tokio::time::sleep(REOPEN).await;
            continue;
        }
        outage.works();
        stream_poller.run(wakeup.clone(), suspended.clone()).await;
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
