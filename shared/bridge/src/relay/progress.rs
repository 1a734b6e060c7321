//! The progress of a stream poller: batches in flight, which bound the cursor; events that wait to be published; and the counts that other
//! tasks read while the poller runs.

use std::collections::VecDeque;
use std::iter::Sum;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use orderflow_domain::Timestamp;
use orderflow_store::{OUTBOX, Position, StreamRecord};

/// Counts the messages of one batch of stream records that only the stream holds: they are neither acknowledged, nor stored as delayed
/// message or dead letter, nor confirmed by a broker.
#[derive(Debug, Default)]
pub struct InFlight(AtomicUsize);

impl InFlight {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn complete(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// The published batches of one stream that the cursor has not passed, oldest first.
#[derive(Debug, Default)]
pub(super) struct PublishedBatches {
    batches: VecDeque<(Position, Arc<InFlight>)>,
}

impl PublishedBatches {
    /// Adds a batch whose messages are all published.
    pub(super) fn push(&mut self, last: Position, in_flight: Arc<InFlight>) {
        self.batches.push_back((last, in_flight));
    }

    /// Removes the batches at the front that have no message in flight. Returns the new cursor if there were any.
    pub(super) fn advance(&mut self) -> Option<Position> {
        let mut cursor = None;
        while let Some((last, _)) = self.batches.pop_front_if(|(_, in_flight)| in_flight.is_empty()) {
            cursor = Some(last);
        }
        cursor
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

/// Writes that a stream poller has read and whose events are not published yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The number of writes.
    pub writes: u64,
    /// The time of the oldest write, to the second, as streams carry it.
    pub oldest: Option<Timestamp>,
}

impl Backlog {
    /// Returns the writes among these records that name events.
    pub(crate) fn of(records: &[StreamRecord]) -> Self {
        let named = records
            .iter()
            .filter(|record| record.image.as_ref().is_some_and(|image| image.contains_key(OUTBOX)));
        named.map(|record| Self { writes: 1, oldest: record.written_at.and_then(to_timestamp) }).sum()
    }
}

fn to_timestamp(time: SystemTime) -> Option<Timestamp> {
    let millis = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(i64::try_from(millis).ok()?))
}

impl Sum for Backlog {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            writes: sum.writes + part.writes,
            oldest: [sum.oldest, part.oldest].into_iter().flatten().min(),
        })
    }
}

/// The progress of a stream poller. Clones share it.
#[derive(Debug, Clone)]
pub struct StreamPollerStatus(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    writes: AtomicU64,
    empty: AtomicU64,
    non_empty: AtomicU64,
    backlog: Mutex<Backlog>,
}

/// The number of times that a stream poller has read its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamReads {
    /// Reads that found no records while no message was in flight and the cursor was saved.
    pub empty: u64,
    /// Reads that found records.
    pub non_empty: u64,
}

/// Stands for "has not caught up yet". No write has this number.
const NEVER: u64 = u64::MAX;

impl Default for StreamPollerStatus {
    fn default() -> Self {
        let (empty, non_empty) = (AtomicU64::new(0), AtomicU64::new(0));
        let backlog = Mutex::default();
        Self(Arc::new(Counts { writes: AtomicU64::new(NEVER), empty, non_empty, backlog }))
    }
}

impl StreamPollerStatus {
    pub(super) fn caught_up_with(&self, writes: u64) {
        self.0.writes.store(writes, Ordering::Release);
        self.0.empty.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn count_non_empty_read(&self) {
        self.0.non_empty.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn set_backlog(&self, backlog: Backlog) {
        *self.0.backlog.lock().unwrap_or_else(PoisonError::into_inner) = backlog;
    }

    /// Returns the writes that were read and are not published yet. A poller that cannot publish reads on, up to about 10,000 records.
    pub fn backlog(&self) -> Backlog {
        *self.0.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the events of all writes of this process up to number `writes` are handled, and the cursor is saved. A store in
    /// another process has no such numbers: with 0 this returns whether the poller has ever reached the end of the stream.
    pub fn has_caught_up_with(&self, writes: u64) -> bool {
        let seen = self.0.writes.load(Ordering::Acquire);
        seen != NEVER && seen >= writes
    }

    /// Returns how often the poller has read. Once two more empty reads are counted than now, the second of them began after this call.
    pub fn reads(&self) -> StreamReads {
        let non_empty = self.0.non_empty.load(Ordering::Acquire);
        StreamReads { empty: self.0.empty.load(Ordering::Acquire), non_empty }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orderflow_store::{Change, Item, Value};

    use super::*;

    fn position(sequence_number: &str) -> Position {
        Position { shard: "s".to_owned(), sequence_number: sequence_number.to_owned() }
    }

    #[test]
    fn the_cursor_stops_before_the_oldest_batch_with_a_message_in_flight() {
        let (mut published, batches) =
            (PublishedBatches::default(), [(); 3].map(|()| Arc::new(InFlight::default())));
        for (number, in_flight) in ["1", "2", "3"].into_iter().zip(&batches) {
            in_flight.add();
            published.push(position(number), in_flight.clone());
        }
        batches[1].complete();
        batches[2].complete();
        assert_eq!(published.advance(), None);
        batches[0].complete();
        assert_eq!(published.advance(), Some(position("3")));
        assert!(published.is_empty());
    }

    fn record(attribute: &str, seconds: u64) -> StreamRecord {
        StreamRecord {
            change: Change::Insert,
            keys: Item::new(),
            image: Some(Item::from([(attribute.to_owned(), Value::S("order.placed".to_owned()))])),
            sequence_number: seconds.to_string(),
            written_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
            id: String::new(),
        }
    }

    #[test]
    fn only_writes_that_name_events_count() {
        let records = [record("status", 1), record(OUTBOX, 30), record(OUTBOX, 20), record(OUTBOX, 40)];
        let backlog = Backlog::of(&records);
        assert_eq!(backlog, Backlog { writes: 3, oldest: Some(Timestamp::from_millis(20_000)) });
        assert_eq!([backlog, Backlog::default()].into_iter().sum::<Backlog>(), backlog);
    }
}
