//! When a stream poller reads its stream again.

use std::time::Duration;

use orderflow_store::Backend;
use tokio::sync::watch;

/// The longest pause between two reads of a store in this process. Other processes may write to it over HTTP.
const WATCHED_POLL: Duration = Duration::from_millis(500);

/// The shortest and the longest pause between two reads of a store in another process. AWS allows five reads per second and shard; only a
/// stream that just had records is read more often.
const FIRST_POLL: Duration = Duration::from_millis(5);
const LAST_POLL: Duration = Duration::from_millis(200);

/// How a stream poller learns of new records.
#[derive(Debug, Clone)]
pub enum Wakeup {
    /// The store is in this process: the value changes with each write to the table.
    Writes(watch::Receiver<u64>),
    /// The store is in another process: it is polled often while it has records, and less often the longer it has none.
    Poll,
}

impl Wakeup {
    /// Returns how the poller of the table with this full name learns of new records.
    pub fn of(backend: &dyn Backend, table: &str) -> Self {
        backend.changes(table).map_or(Self::Poll, Self::Writes)
    }

    /// Returns the pause after this many reads in a row that found nothing.
    pub(super) fn pause(&self, idle: u32) -> Duration {
        match self {
            Self::Writes(_) => WATCHED_POLL,
            Self::Poll => FIRST_POLL.saturating_mul(1 << idle.min(16)).min(LAST_POLL),
        }
    }

    /// Returns the number of writes to the table so far, 0 for a store in another process. Later writes end [`Self::written`].
    pub(super) fn writes(&mut self) -> u64 {
        match self {
            Self::Writes(writes) => *writes.borrow_and_update(),
            Self::Poll => 0,
        }
    }

    /// Waits for the next write. Never returns for a store in another process.
    pub(super) async fn written(&mut self) -> Result<(), watch::error::RecvError> {
        match self {
            Self::Writes(writes) => writes.changed().await,
            Self::Poll => std::future::pending().await,
        }
    }
}
