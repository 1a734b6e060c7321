//! How far a stream_poller is, for whoever wants to know while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Backlog;

/// How far a stream_poller is. Clones are the same status.
#[derive(Debug, Clone)]
pub struct StreamPollerStatus(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    writes: AtomicU64,
    empty: AtomicU64,
    fruitful: AtomicU64,
    backlog: Mutex<Backlog>,
}

/// How often a stream_poller has read its stream so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamReads {
    /// Reads that found nothing while everything before was dealt with and the cursor was saved.
    pub empty: u64,
    /// Reads that found something.
    pub fruitful: u64,
}

/// No write has this number.
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

    /// What was read and is not published yet. A stream_poller that cannot publish reads on, up to some ten thousand records.
    pub fn backlog(&self) -> Backlog {
        *self.0.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything is dealt with that was written up to and with this process's write number `writes`, and the cursor is saved. For a
    /// store elsewhere the number is 0: whether it had nothing new at some time.
    pub fn has_caught_up_with(&self, writes: u64) -> bool {
        let seen = self.0.writes.load(Ordering::Acquire);
        seen != NEVER && seen >= writes
    }

    /// How often it has read. Of two empty reads that are counted from now on, the second began later than now.
    pub fn reads(&self) -> StreamReads {
        let fruitful = self.0.fruitful.load(Ordering::Acquire);
        StreamReads { empty: self.0.empty.load(Ordering::Acquire), fruitful }
    }
}
