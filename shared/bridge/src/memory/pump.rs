//! From a table's stream through the relay into the broker.

use std::sync::Arc;
use std::time::Duration;

use orderflow_store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;

use super::progress::{Outstanding, Progress};
use super::publisher::BatchContext;
use super::{MemoryBroker, MemoryPublisher};
use crate::{Position, RuntimeTable, StreamBatch, StreamError, StreamReader, StreamTarget};

/// Frees what lies behind a stream's mark. Streams of AWS forget by themselves after 24 hours; the embedded store has to be told.
pub trait StreamTrimmer: Send + Sync + 'static {
    /// Forgets the records of the table's stream up to and with this one.
    fn trim(&self, table: &str, sequence_number: &str);
}

/// Reads one table's stream into the broker, and keeps its cursor.
pub struct Pump {
    broker: Arc<MemoryBroker>,
    reader: StreamReader,
    relay: Arc<dyn StreamTarget>,
    publisher: Arc<MemoryPublisher>,
    trimmer: Arc<dyn StreamTrimmer>,
    runtime: RuntimeTable,
    progress: Progress,
    /// The cursor: everything up to it is dealt with.
    after: Option<String>,
    /// Whether the stored cursor row says something else than `after` and no starts.
    unsaved: bool,
    /// Batches that were read and not yet relayed, because the relay failed.
    unrelayed: Vec<StreamBatch>,
    /// How often the process started before it got further than here. Zero once everything from before is read.
    earlier_starts: u32,
}

/// How long to wait for a write that nobody in this process made.
const POLL: Duration = Duration::from_millis(500);

/// How often the cursor is saved at most.
const SAVE: Duration = Duration::from_millis(50);

impl Pump {
    /// A pump for the stream of a table, from where the last process left it.
    ///
    /// # Errors
    /// [`PumpError`] where the store does not answer.
    pub async fn open(
        broker: Arc<MemoryBroker>,
        streams: aws_sdk_dynamodbstreams::Client,
        table: &str,
        relay: Arc<dyn StreamTarget>,
        publisher: Arc<MemoryPublisher>,
        trimmer: Arc<dyn StreamTrimmer>,
    ) -> Result<Self, PumpError> {
        let runtime = broker.runtime.clone();
        let cursor = runtime.start_from(table).await?;
        let after = cursor.after.as_deref().and_then(|text| text.split_once(' '));
        let after = after
            .map(|(shard, number)| Position { shard: shard.to_owned(), sequence_number: number.to_owned() });
        let reader = StreamReader::open(streams, table, after.into_iter().collect()).await?;
        Ok(Self {
            broker,
            reader,
            relay,
            publisher,
            trimmer,
            runtime,
            progress: Progress::default(),
            after: cursor.after,
            unsaved: false,
            unrelayed: Vec::new(),
            earlier_starts: cursor.starts,
        })
    }

    /// The table whose stream it reads.
    pub fn table(&self) -> &str {
        self.reader.table()
    }

    /// Reads what there is and relays it. Gives the number of records.
    ///
    /// # Errors
    /// [`PumpError`] where the store or the relay fails; what was read comes again.
    pub async fn pump_once(&mut self) -> Result<usize, PumpError> {
        if !self.broker.has_room() {
            return Ok(0);
        }
        if self.unrelayed.is_empty() {
            self.unrelayed = self.reader.read().await?;
            if self.unrelayed.is_empty() {
                self.reach_end();
                return Ok(0);
            }
        }
        let mut records = 0;
        while let Some(batch) = self.unrelayed.first() {
            let outstanding = Arc::new(Outstanding::default());
            self.publisher
                .begin(BatchContext { outstanding: outstanding.clone(), attempts: self.earlier_starts });
            self.relay.invoke(batch.event.clone()).await?;
            let batch = self.unrelayed.remove(0);
            records += batch.event.records.len();
            self.progress.published(batch.last, outstanding);
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
            self.after = Some(format!("{} {}", mark.shard, mark.sequence_number));
            self.unsaved = true;
        }
        if !self.unsaved {
            return Ok(());
        }
        self.runtime.save_cursor(self.reader.table(), self.after.clone()).await?;
        self.unsaved = false;
        if let Some((_, sequence_number)) = self.after.as_deref().and_then(|after| after.split_once(' ')) {
            self.trimmer.trim(self.reader.table(), sequence_number);
        }
        Ok(())
    }

    /// Pumps until told to stop; `writes` changes with every write to the table that this process makes.
    pub async fn run(mut self, mut writes: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        let mut failures = 0;
        let mut saved_at = Instant::now();
        while !*stop.borrow() {
            let pause = match self.pump_once().await {
                Ok(0) => {
                    failures = 0;
                    if self.is_saved() { POLL } else { SAVE }
                }
                Ok(_) => {
                    failures = 0;
                    Duration::ZERO
                }
                Err(error) => {
                    tracing::error!(table = self.reader.table(), %error, "the stream could not be relayed; trying again");
                    failures += 1;
                    Duration::from_millis(fastrand::u64(50..=100 << failures.min(6)))
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
                changed = writes.changed(), if failures == 0 => if changed.is_err() { break },
                // Nobody is left to stop it: that is a stop too.
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        self.save_or_warn().await;
    }

    fn is_saved(&self) -> bool {
        self.progress.is_empty() && !self.unsaved
    }

    async fn save_or_warn(&mut self) {
        if let Err(error) = self.save_cursor().await {
            tracing::warn!(table = self.reader.table(), %error, "the cursor could not be saved");
        }
    }
}

/// A stream that could not be pumped.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The relay did not take a batch.
    #[error(transparent)]
    Relay(#[from] crate::TargetError),
}
