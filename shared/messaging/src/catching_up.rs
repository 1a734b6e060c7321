//! Consumers that catch up with a long queue let new work go first.
//!
//! A consumer that was stopped or slow for long has many messages to process, and would take all of the store and of the processor that it can get:
//! new orders would wait. So old messages of a consumer that no order waits for are processed in small groups, one group at a time.

use std::time::Duration;

use orderflow_domain::Timestamp;
use tokio::sync::Semaphore;

use crate::RecordBatch;

/// The age from which an event is not new any more.
const OLD: Duration = Duration::from_secs(30);

/// The most messages of one group: about 50 ms of work.
pub(crate) const GROUP_MAX: usize = 20;

/// The consumers that no order waits for, with the turn of their groups. One consumer does not wait for the provider of another.
static TURNS: [(&str, Semaphore); 2] =
    [("notification", Semaphore::const_new(1)), ("analytics", Semaphore::const_new(1))];

/// Returns the turn in which the consumer processes this batch in groups, or `None` if the batch is processed at once. The first message of a batch
/// is its oldest.
pub(crate) fn turn_of(consumer: &str, batch: &RecordBatch, now: Timestamp) -> Option<&'static Semaphore> {
    let (_, turn) = TURNS.iter().find(|(name, _)| *name == consumer)?;
    let first = batch.records.first()?.event().ok()?;
    (now.since(first.time) >= OLD).then_some(turn)
}
