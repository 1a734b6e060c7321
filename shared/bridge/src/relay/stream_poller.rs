//! From a table's stream through the relay to whoever keeps the events from then on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use orderflow_backoff::Backoff;
use orderflow_store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;

use super::progress::{InFlight, Progress};
use super::{StreamPollerStatus, Wakeup};
use crate::{Position, RuntimeTable, StreamBatch, StreamError, StreamReader, StreamTarget, TargetError};

/// Where a stream_poller's relay publishes to.
pub trait Sink: Send + Sync + 'static {
    /// Whether it can take more. What it does not take stays in the streams.
    fn has_room(&self) -> bool;

    /// Begins a batch: what is published from now on counts in `in_flight` until it is kept elsewhere. `attempts` is how often the
    /// batch was tried by processes before this one.
    fn begin(&self, in_flight: Arc<InFlight>, attempts: u32);
}

/// A sink whose publisher returns only when everything is kept: nothing is ever in flight.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmingSink;

impl Sink for ConfirmingSink {
    fn has_room(&self) -> bool {
        true
    }

    fn begin(&self, _in_flight: Arc<InFlight>, _attempts: u32) {}
}

/// Frees what lies behind a stream's mark. Streams of AWS forget by themselves after 24 hours; the embedded store has to be told.
pub trait StreamTrimmer: Send + Sync + 'static {
    /// Forgets the records of the table's stream up to and with this one.
    fn trim(&self, table: &str, sequence_number: &str);
}

/// A trimmer for streams that this process does not keep.
#[derive(Debug, Clone, Copy)]
pub struct NoTrimmer;

impl StreamTrimmer for NoTrimmer {
    fn trim(&self, _table: &str, _sequence_number: &str) {}
}

/// Reads one table's stream, has it relayed, and keeps its cursor.
pub struct StreamPoller {
    reader: StreamReader,
    relay: Arc<dyn StreamTarget>,
    sink: Arc<dyn Sink>,
    trimmer: Arc<dyn StreamTrimmer>,
    runtime: RuntimeTable,
    progress: Progress,
    /// The cursor: everything up to it is dealt with.
    after: Option<Position>,
    /// Whether the stored cursor row says something else than `after` and no starts.
    unsaved: bool,
    /// Batches that were read and not yet relayed, because the relay failed or the sink is full.
    unrelayed: VecDeque<StreamBatch>,
    /// How often the process started before it got further than here. Zero once everything from before is read.
    earlier_starts: u32,
    status: StreamPollerStatus,
}

/// How many records are relayed in one step, at least where there are as many.
const STEP: usize = 1_000;

/// How many records are read ahead, at least: what a relay that cannot publish keeps in memory, some 1 KB each.
const READ_AHEAD: usize = 10_000;

/// How often the cursor is saved at most.
const SAVE: Duration = Duration::from_millis(50);

/// Delays after a stream could not be read or relayed.
const BACKOFF: Backoff = Backoff::from_millis(50, 200, 6_400);

impl StreamPoller {
    /// A stream_poller for the stream of a table, from where the last process left it.
    ///
    /// # Errors
    /// [`StreamPollerError`] where the store does not answer.
    pub async fn open(
        runtime: RuntimeTable,
        streams: aws_sdk_dynamodbstreams::Client,
        table: &str,
        relay: Arc<dyn StreamTarget>,
        sink: Arc<dyn Sink>,
        trimmer: Arc<dyn StreamTrimmer>,
    ) -> Result<Self, StreamPollerError> {
        let cursor = runtime.start_from(table).await?;
        let reader = StreamReader::open(streams, table, cursor.after.iter().cloned().collect()).await?;
        Ok(Self {
            reader,
            relay,
            sink,
            trimmer,
            runtime,
            progress: Progress::default(),
            after: cursor.after,
            unsaved: false,
            unrelayed: VecDeque::new(),
            earlier_starts: cursor.starts,
            status: StreamPollerStatus::default(),
        })
    }

    /// The table whose stream it reads.
    pub fn table(&self) -> &str {
        self.reader.table()
    }

    /// Reads what there is and relays it. Gives the number of records.
    ///
    /// # Errors
    /// [`StreamPollerError`] where the store or the relay fails; what was read comes again.
    pub async fn poll_once(&mut self) -> Result<usize, StreamPollerError> {
        self.read_ahead().await?;
        self.tell_backlog();
        if self.unrelayed.is_empty() {
            self.reach_end();
            return Ok(0);
        }
        if !self.sink.has_room() {
            return Ok(0);
        }
        let relayed = self.relay().await;
        self.tell_backlog();
        relayed
    }

    /// Reads also while what was read before waits, so that it is known how much does.
    async fn read_ahead(&mut self) -> Result<(), StreamError> {
        let waiting: usize = self.unrelayed.iter().map(|batch| batch.event.records.len()).sum();
        if waiting >= READ_AHEAD {
            return Ok(());
        }
        match self.reader.read().await {
            Ok(batches) => self.unrelayed.extend(batches),
            Err(error) if self.unrelayed.is_empty() => return Err(error),
            // What was read before can be relayed all the same; the next call meets the error again.
            Err(_) => {}
        }
        Ok(())
    }

    fn tell_backlog(&self) {
        self.status.set_backlog(self.unrelayed.iter().map(|batch| batch.backlog).sum());
    }

    async fn relay(&mut self) -> Result<usize, StreamPollerError> {
        let mut records = 0;
        while let Some(batch) = self.unrelayed.front() {
            // Between steps the cursor is saved and a stop is heard, also while much is made up for.
            if records >= STEP || (records > 0 && !self.sink.has_room()) {
                break;
            }
            let in_flight = Arc::new(InFlight::default());
            self.sink.begin(in_flight.clone(), self.earlier_starts);
            self.relay.invoke(batch.event.clone()).await?;
            records += batch.event.records.len();
            self.progress.published(batch.last.clone(), in_flight);
            self.unrelayed.pop_front();
        }
        Ok(records)
    }

    /// Everything that earlier processes may have tried is read. A start that found nothing of theirs was no attempt at anything.
    fn reach_end(&mut self) {
        self.unsaved |= self.earlier_starts > 0 && self.progress.is_empty();
        self.earlier_starts = 0;
    }

    /// Moves the cursor past what is dealt with.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer; the cursor is behind then, which costs repeats and nothing else. The next call
    /// tries again.
    pub async fn save_cursor(&mut self) -> Result<(), StoreError> {
        if let Some(mark) = self.progress.advance() {
            self.after = Some(mark);
            self.unsaved = true;
        }
        if !self.unsaved {
            return Ok(());
        }
        self.runtime.save_cursor(self.reader.table(), self.after.clone()).await?;
        self.unsaved = false;
        if let Some(after) = &self.after {
            self.trimmer.trim(self.reader.table(), &after.sequence_number);
        }
        Ok(())
    }

    /// Tells how far it is while it runs.
    pub fn status(&self) -> StreamPollerStatus {
        self.status.clone()
    }

    /// Polls the stream until `stop` becomes true or its sender is dropped.
    pub async fn run(mut self, mut wakeup: Wakeup, mut stop: watch::Receiver<bool>) {
        let (mut failures, mut idle) = (0, 0);
        let mut saved_at = Instant::now();
        while !*stop.borrow() {
            let writes = wakeup.writes();
            let pause = match self.poll_once().await {
                Ok(0) => {
                    failures = 0;
                    idle += 1;
                    if self.is_saved() {
                        self.status.caught_up_with(writes);
                    }
                    wakeup.pause(idle).min(if self.is_saved() { Duration::MAX } else { SAVE })
                }
                Ok(_) => {
                    (failures, idle) = (0, 0);
                    self.status.found_something();
                    Duration::ZERO
                }
                Err(error) => {
                    tracing::error!(table = self.reader.table(), %error, "the stream could not be relayed; trying again");
                    failures += 1;
                    BACKOFF.delay(failures)
                }
            };
            if saved_at.elapsed() >= SAVE {
                self.save_or_warn().await;
                saved_at = Instant::now();
            }
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                _ = tokio::time::sleep(pause) => {}
                ended = wakeup.written(), if failures == 0 => if ended.is_err() { break },
                // Nobody is left to stop it: that is a stop too.
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        self.save_or_warn().await;
    }

    fn is_saved(&self) -> bool {
        self.unrelayed.is_empty() && self.progress.is_empty() && !self.unsaved
    }

    async fn save_or_warn(&mut self) {
        if let Err(error) = self.save_cursor().await {
            tracing::warn!(table = self.reader.table(), %error, "the cursor could not be saved");
        }
    }
}

/// Why a stream poller could not read or relay records.
#[derive(Debug, thiserror::Error)]
pub enum StreamPollerError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The relay did not take a batch.
    #[error(transparent)]
    Relay(#[from] TargetError),
}

#[cfg(test)]
#[path = "stream_poller_tests.rs"]
mod tests;
