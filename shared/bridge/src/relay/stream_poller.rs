//! Polls one table's stream, has the relay publish its events, and moves the stream's cursor past a record once a broker or the table `runtime` holds its messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use orderflow_backoff::{Backoff, Outage, OutageObserver};
use orderflow_bugs::is_planted;
use orderflow_store::{Position, StoreError, StreamBatch, StreamError, StreamReader};
use tokio::sync::watch;
use tokio::time::Instant;

use super::progress::{InFlight, PublishedBatches};
use super::{Backlog, StreamPollerStatus, Wakeup, stream_event};
use crate::{RuntimeTable, StreamTarget, TargetError};

/// Tracks the messages of stream records that are published and not yet acknowledged, and limits them.
pub trait InFlightTracker: Send + Sync + 'static {
    /// Returns whether it can take more messages. Until then the records stay in the stream.
    fn has_room(&self) -> bool;

    /// Starts a batch. Messages that are published from now on count in `in_flight` until they are acknowledged or stored elsewhere. `attempts`
    /// is how often earlier processes may have delivered the batch.
    fn begin(&self, in_flight: Arc<InFlight>, attempts: u32);
}

/// The tracker of a publisher that returns only after the broker has confirmed every message, so that no message is ever in flight.
#[derive(Debug, Clone, Copy)]
pub struct NothingInFlight;

impl InFlightTracker for NothingInFlight {
    fn has_room(&self) -> bool {
        true
    }

    fn begin(&self, _in_flight: Arc<InFlight>, _attempts: u32) {}
}

/// Polls the stream of one table, invokes the relay with its records, and stores the cursor.
pub struct StreamPoller {
    /// The full name of the table.
    table: String,
    reader: Box<dyn StreamReader>,
    relay: Arc<dyn StreamTarget>,
    tracker: Arc<dyn InFlightTracker>,
    runtime: RuntimeTable,
    published: PublishedBatches,
    /// The cursor: every message of a record up to it is acknowledged or stored elsewhere.
    after: Option<Position>,
    /// Whether the stored cursor differs from `after`, or has starts counted.
    cursor_changed: bool,
    /// Batches that were read and not relayed yet, because the relay failed or the tracker has no room.
    backlog: VecDeque<StreamBatch>,
    /// How often earlier processes started at the stored cursor. Zero once every record that they may have delivered is read.
    earlier_starts: u32,
    status: StreamPollerStatus,
    outage: Outage,
}

/// The number of records after which a step of relaying ends.
const RECORDS_PER_STEP: usize = 1_000;

/// The number of records that are kept in memory while the relay cannot publish; about 1 KB each.
const RECORDS_AHEAD_MAX: usize = 10_000;

/// The shortest time between two saves of the cursor.
const SAVE_INTERVAL: Duration = Duration::from_millis(50);

/// Delays after a stream could not be read or relayed.
const BACKOFF: Backoff = Backoff::from_millis(50, 200, 6_400);

impl StreamPoller {
    /// Opens the stream of a table at its stored cursor.
    ///
    /// # Errors
    /// [`StreamPollerError`] if the store does not answer.
    pub async fn open(
        runtime: RuntimeTable,
        table: &str,
        relay: Arc<dyn StreamTarget>,
        tracker: Arc<dyn InFlightTracker>,
    ) -> Result<Self, StreamPollerError> {
        let cursor = runtime.start_from(table).await?;
        // A process that was killed may have saved its cursor and trimmed nothing.
        trim(&runtime, table, cursor.after.as_ref()).await;
        let reader = runtime.backend().open_stream(table, cursor.after.iter().cloned().collect()).await?;
        Ok(Self {
            table: table.to_owned(),
            reader,
            relay,
            tracker,
            runtime,
            published: PublishedBatches::default(),
            after: cursor.after,
            cursor_changed: false,
            backlog: VecDeque::new(),
            earlier_starts: cursor.starts,
            status: StreamPollerStatus::default(),
            outage: Outage::default(),
        })
    }

    /// Starts again at the stored cursor, after another process may have moved it.
    ///
    /// # Errors
    /// [`StreamPollerError`] if the store does not answer. The poller is as before then.
    pub async fn reopen(&mut self) -> Result<(), StreamPollerError> {
        let cursor = self.runtime.start_from(&self.table).await?;
        let after = cursor.after.iter().cloned().collect();
        self.reader = self.runtime.backend().open_stream(&self.table, after).await?;
        (self.after, self.earlier_starts) = (cursor.after, cursor.starts);
        self.published = PublishedBatches::default();
        self.cursor_changed = false;
        self.backlog.clear();
        Ok(())
    }

    /// Makes the poller report failures together with the other pollers of the process: the outage of a store or a broker is one line.
    #[must_use]
    pub fn sharing(mut self, outage: &Outage) -> Self {
        self.outage = outage.clone();
        self
    }

    /// Returns what reports failures of this poller together with those of the others.
    pub(super) fn outage(&self) -> OutageObserver {
        self.outage.observer()
    }

    /// Returns the full name of the table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Reads the available records and relays them. Returns how many records were relayed.
    ///
    /// # Errors
    /// [`StreamPollerError`] if the store or the relay fails. The next call relays the same records again.
    pub async fn poll_once(&mut self) -> Result<usize, StreamPollerError> {
        self.read_ahead().await?;
        self.report_backlog();
        if self.backlog.is_empty() {
            self.reach_end();
            return Ok(0);
        }
        if !self.tracker.has_room() {
            return Ok(0);
        }
        let relayed = self.relay().await;
        self.report_backlog();
        relayed
    }

    /// Reads even while earlier records wait to be relayed, so that the backlog is known.
    async fn read_ahead(&mut self) -> Result<(), StreamError> {
        let waiting: usize = self.backlog.iter().map(|batch| batch.records.len()).sum();
        if waiting >= RECORDS_AHEAD_MAX {
            return Ok(());
        }
        match self.reader.read().await {
            Ok(batches) => self.backlog.extend(batches),
            Err(error) if self.backlog.is_empty() => return Err(error),
            // The records that were read before can still be relayed. The next call reports the error.
            Err(_) => {}
        }
        Ok(())
    }

    fn report_backlog(&self) {
        self.status.set_backlog(self.backlog.iter().map(|batch| Backlog::of(&batch.records)).sum());
    }

    async fn relay(&mut self) -> Result<usize, StreamPollerError> {
        let mut records = 0;
        while let Some(batch) = self.backlog.front() {
            // Between steps the cursor is saved and a stop is noticed, even while a large backlog is relayed.
            if records >= RECORDS_PER_STEP || (records > 0 && !self.tracker.has_room()) {
                break;
            }
            let in_flight = Arc::new(InFlight::default());
            self.tracker.begin(in_flight.clone(), self.earlier_starts);
            let relayed = self.relay.invoke(stream_event(&self.table, &batch.records)).await;
            if !is_planted("cursor-moved-past-failed-batch") {
                relayed?;
            }
            records += batch.records.len();
            self.published.push(batch.last.clone(), in_flight);
            self.backlog.pop_front();
        }
        Ok(records)
    }

    /// Records that this poller has read everything that an earlier process may have delivered. Later records have no earlier attempts.
    fn reach_end(&mut self) {
        self.cursor_changed |= self.earlier_starts > 0 && self.published.is_empty();
        self.earlier_starts = 0;
    }

    /// Moves the cursor past the batches without messages in flight, and stores it.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer. The stored cursor then lags behind, which only causes repeats after a restart. The next
    /// call stores it again.
    pub async fn save_cursor(&mut self) -> Result<(), StoreError> {
        if let Some(cursor) = self.published.advance() {
            self.after = Some(cursor);
            self.cursor_changed = true;
        }
        if !self.cursor_changed {
            return Ok(());
        }
        self.runtime.save_cursor(&self.table, self.after.clone()).await?;
        self.cursor_changed = false;
        trim(&self.runtime, &self.table, self.after.as_ref()).await;
        Ok(())
    }

    /// Returns the poller's progress, which can be read while it runs.
    pub fn status(&self) -> StreamPollerStatus {
        self.status.clone()
    }

    /// Polls the stream until `stop` becomes true or its sender is dropped.
    pub async fn run(&mut self, mut wakeup: Wakeup, mut stop: watch::Receiver<bool>) {
        let (mut failures, mut idle) = (0, 0);
        let mut saved_at = Instant::now();
        let (mut outage, mut is_unsaved) = (self.outage.observer(), false);
        while !*stop.borrow() {
            let writes = wakeup.writes();
            let polled = self.poll_once().await;
            self.report(&polled, failures, &mut outage);
            let pause = match polled {
                Ok(0) => {
                    failures = 0;
                    idle += 1;
                    if self.is_saved() {
                        self.status.caught_up_with(writes);
                    }
                    wakeup.pause(idle).min(if self.is_saved() { Duration::MAX } else { SAVE_INTERVAL })
                }
                Ok(_) => {
                    (failures, idle) = (0, 0);
                    self.status.count_non_empty_read();
                    Duration::ZERO
                }
                Err(_) => {
                    failures += 1;
                    BACKOFF.delay(failures)
                }
            };
            if saved_at.elapsed() >= SAVE_INTERVAL {
                self.save_or_warn(&mut is_unsaved).await;
                saved_at = Instant::now();
            }
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                _ = tokio::time::sleep(pause) => {}
                ended = wakeup.written(), if failures == 0 => if ended.is_err() { break },
                // Without a sender nothing can stop the poller later, so it stops now.
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        self.save_or_warn(&mut is_unsaved).await;
    }

    fn is_saved(&self) -> bool {
        self.backlog.is_empty() && self.published.is_empty() && !self.cursor_changed
    }

    /// Logs the begin and the end of an outage. One failure that the next attempt mends is none, and the connection to a broker logs its own loss.
    fn report(&self, polled: &Result<usize, StreamPollerError>, failures: u32, outage: &mut OutageObserver) {
        let table = &*self.table;
        match polled {
            Ok(_) if outage.works() => tracing::info!(table, "stream records are relayed again"),
            Ok(_) => {}
            Err(error @ StreamPollerError::Relay(TargetError::Unreachable(_))) => {
                tracing::debug!(table, %error, "stream records will be relayed again");
            }
            Err(error) if failures > 0 && outage.fails() => {
                tracing::error!(table, %error, "stream records cannot be relayed; trying again");
            }
            Err(error) => tracing::debug!(table, %error, "stream records will be relayed again"),
        }
    }

    async fn save_or_warn(&mut self, is_unsaved: &mut bool) {
        match self.save_cursor().await {
            Ok(()) => *is_unsaved = false,
            Err(error) if !std::mem::replace(is_unsaved, true) => {
                tracing::warn!(table = self.table, %error, "cursor could not be saved; trying again");
            }
            Err(_) => {}
        }
    }
}

/// Why a stream poller could not read or relay records.
#[derive(Debug, thiserror::Error)]
pub enum StreamPollerError {
    /// The cursor cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The relay failed.
    #[error(transparent)]
    Relay(#[from] TargetError),
}

/// Deletes the records of a stream up to a cursor. Records that stay are deleted with later ones.
async fn trim(runtime: &RuntimeTable, table: &str, through: Option<&Position>) {
    let Some(through) = through else { return };
    if let Err(error) = runtime.backend().trim_stream(table, through).await {
        tracing::warn!(table, %error, "stream cannot be trimmed");
    }
}

#[cfg(test)]
#[path = "stream_poller_tests.rs"]
mod tests;
