//! What the writer is asked, and what it answers.

use crate::encoding::Undecodable;
use crate::prepare::Prepared;
use crate::refusal::Refusal;

/// The most records that one trimming deletes. It takes a few milliseconds, during which other writes wait.
pub(crate) const TRIM_BATCH: u64 = 1_000;

/// The database cannot carry out a request: SQLite reports an error, or the data is damaged. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StorageError(String);

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Undecodable> for StorageError {
    fn from(error: Undecodable) -> Self {
        Self(error.to_string())
    }
}

impl StorageError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A request of the writer.
#[derive(Debug)]
pub(crate) enum Request {
    /// Writes with an outcome each.
    Each(Vec<Prepared>),
    /// Writes that happen together or not at all, each of another item.
    Together(Vec<Prepared>),
    /// Deletes up to [`TRIM_BATCH`] of a table's oldest stream records up to this number.
    Trim { table: i64, through: i64 },
}

impl Request {
    /// Returns the number of writes.
    pub(crate) fn writes(&self) -> usize {
        match self {
            Self::Each(writes) | Self::Together(writes) => writes.len(),
            Self::Trim { .. } => 1,
        }
    }
}

/// What happened to a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Each(Vec<Result<(), Refusal>>),
    /// The refusals of the writes, if there is one.
    Together(Result<(), Vec<Option<Refusal>>>),
    /// The number of records that were deleted.
    Trimmed(u64),
}
