//! Errors of requests to the store.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use orderflow_errors::causes;

/// A request failed, though not because of a condition, or an item cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// An item does not have the shape that its service writes.
    #[error("an item of {table} cannot be read or written: {message}")]
    Shape {
        /// The table.
        table: String,
        /// The mismatch.
        message: String,
    },
}

impl StoreError {
    pub(crate) fn request<E, R>(operation: &'static str, table: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        Self::Request {
            operation,
            table: table.to_owned(),
            code: error.code().unwrap_or("NoAnswer").to_owned(),
            message: error.message().map_or_else(|| causes(error), str::to_owned),
        }
    }

    pub(crate) fn shape(table: &str, error: &impl ToString) -> Self {
        Self::Shape { table: table.to_owned(), message: error.to_string() }
    }
}
