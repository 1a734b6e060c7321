//! Errors of requests to the store.

use crate::Item;

/// A request failed, though not because of a condition, or an item cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer, or refused the request. Unless the program is wrong, the request can be retried later.
    #[error("{operation} on {table} failed with {code}: {message}")]
    Request {
        /// The operation in DynamoDB's API, for example `PutItem`.
        operation: &'static str,
        /// The table.
        table: String,
        /// DynamoDB's error code, or `NoAnswer`.
        code: String,
        /// DynamoDB's message.
        message: String,
    },
    /// A transaction of another request holds an item of this write. Nothing was written, and the request can be repeated at once.
    #[error("another request is writing the same item of {table}")]
    Conflict {
        /// The table.
        table: String,
    },
    /// An item does not have the shape that its service writes.
    #[error("an item of {table} cannot be read or written: {message}")]
    Shape {
        /// The table.
        table: String,
        /// The mismatch.
        message: String,
    },
}

/// Why a write did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The write's condition does not hold. Contains the existing item, if there is one.
    #[error("the condition of the write does not hold")]
    ConditionFailed(Option<Box<Item>>),
    /// The request failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError {
    /// Returns whether a transaction of another request prevented the write.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict { .. }))
    }
}

/// The part of one write in the cancellation of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancellation {
    /// The write did not cancel the transaction.
    None,
    /// The write's condition does not hold. Contains the existing item, if there is one.
    ConditionFailed(Option<Box<Item>>),
    /// Another request was writing the item.
    Conflict,
    /// Any other reason, with DynamoDB's code and message: `ValidationError` for a write that the item does not allow, such as an increment of a
    /// text.
    Other {
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
}

impl Cancellation {
    /// Returns why the store refuses the write: a reason that does not go away when the item is read again.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Other { code, message } => Some(format!("{code}: {message}")),
            Self::None | Self::ConditionFailed(_) | Self::Conflict => None,
        }
    }
}

/// Why a transaction failed. None of its writes took effect, unless only the answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactError {
    /// The transaction was cancelled. Contains an entry for each write, in the order of the writes.
    #[error("the transaction was cancelled")]
    Cancelled(Vec<Cancellation>),
    /// The request failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
