//! Attempts at writes that compete with those of other requests.

use orderflow_backoff::{Attempts, Backoff};

/// Delays of 4 ms at most after the first attempt, doubling to 512 ms: about as long as another request needs for its read and write.
const OVERTAKEN: Backoff = Backoff::from_millis(0, 4, 512);

/// How often a request is repeated that DynamoDB refused because a transaction held one of its items.
pub(crate) const CONFLICT_RETRIES: u32 = 8;

/// Delays after DynamoDB processed a request only in part, or not because of a transaction, which takes some milliseconds.
pub(crate) const BUSY: Backoff = Backoff::from_millis(1, 10, 320);

/// Returns at most `max` attempts, with jittered delays between them, at reading an item, deciding, and writing it on the condition that it did
/// not change in between.
pub fn optimistic_attempts(max: u32) -> Attempts {
    OVERTAKEN.attempts(max)
}

/// Returns the attempts at one request that conflicts with transactions of other requests.
pub(crate) fn conflict_attempts() -> Attempts {
    BUSY.attempts(CONFLICT_RETRIES + 1)
}
