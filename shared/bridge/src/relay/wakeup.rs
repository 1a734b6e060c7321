//! When a stream_poller looks at its stream again.

use std::time::Duration;

use tokio::sync::watch;

/// How long to wait at most for a write that nobody in this process made.
const WATCHED_POLL: Duration = Duration::from_millis(500);

/// How soon a store elsewhere is asked again when it had something, and how late when it had nothing for long. A shard's stream may be read
/// five times a second (AWS limit, for each shard and second); only a stream with work is read more often than that.
const FIRST_POLL: Duration = Duration::from_millis(5);
const LAST_POLL: Duration = Duration::from_millis(200);

/// How a stream_poller hears of new records.
#[derive(Debug, Clone)]
pub enum Wakeup {
    /// The store is in this process: this changes with every write to the table.
    Writes(watch::Receiver<u64>),
    /// The store is elsewhere: it is asked often while there is work, and less and less often while there is none.
    Poll,
}

impl Wakeup {
    /// How long to wait when that many reads in a row found nothing.
    pub(super) fn pause(&self, idle: u32) -> Duration {
        match self {
            Self::Writes(_) => WATCHED_POLL,
            Self::Poll => FIRST_POLL.saturating_mul(1 << idle.min(16)).min(LAST_POLL),
        }
    }

    /// How many writes this process made so far, as far as it can know. Those that come later wake the stream_poller.
    pub(super) fn writes(&mut self) -> u64 {
        match self {
            Self::Writes(writes) => *writes.borrow_and_update(),
            Self::Poll => 0,
        }
    }

    /// Returns when something was written, as far as this process can know.
    pub(super) async fn written(&mut self) -> Result<(), watch::error::RecvError> {
        match self {
            Self::Writes(writes) => writes.changed().await,
            Self::Poll => std::future::pending().await,
        }
    }
}
