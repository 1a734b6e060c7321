//! The progress of a stream poller, as other tasks can read it while the poller runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Backlog;

/// The progress of a stream poller. Clones share it.
#[derive(Debug, Clone)]
pub struct StreamPollerStatus(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    writes: AtomicU64,
    empty: AtomicU64,
    fruitful: AtomicU64,
    backlog: Mutex<Backlog>,
}

/// The number of times that a stream poller has read its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamReads {
    /// Reads that found no records while no message was in flight and the cursor was saved.
    pub empty: u64,
    /// Reads that found records.
    pub fruitful: u64,
}

/// Stands for "has not caught up yet". No write has this number.
const NEVER: u64 = u64::MAX;

impl Default for StreamPollerStatus {
    fn default() -> Self {
        let (empty, fruitful) = (AtomicU64::new(0), AtomicU64::new(0));
        let backlog = Mutex::default();
        Self(Arc::new(Counts { writes: AtomicU64::new(NEVER), empty, fruitful, backlog }))
    }
}

impl StreamPollerStatus {
    pub(super) fn caught_up_with(&self, writes: u64) {
        self.0.writes.store(writes, Ordering::Release);
        self.0.empty.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn found_something(&self) {
        self.0.fruitful.fetch_add(1, Ordering::AcqRel);
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
        let fruitful = self.0.fruitful.load(Ordering::Acquire);
        StreamReads { empty: self.0.empty.load(Ordering::Acquire), fruitful }
    }
}
