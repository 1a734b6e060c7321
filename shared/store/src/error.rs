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

    /// Makes the error of an item that cannot be read. It is logged, so the values that the message quotes are left out: one may be an address.
    pub(crate) fn unreadable(table: &str, error: &impl ToString) -> Self {
        let message = error.to_string();
        let mut hidden = String::with_capacity(message.len());
        for (position, part) in message.split('"').enumerate() {
            let is_quoted = position % 2 == 1;
            hidden.push_str(if is_quoted { "\"...\"" } else { part });
        }
        Self::Shape { table: table.to_owned(), message: hidden }
    }

    pub(crate) fn shape(table: &str, error: &impl ToString) -> Self {
        Self::Shape { table: table.to_owned(), message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_an_item_quotes_no_value() {
        let error =
            StoreError::unreadable("orders", &"invalid type: string \"jane@example.com\", expected u32");
        let shown = "an item of orders cannot be read or written: invalid type: string \"...\", expected u32";
        assert_eq!(error.to_string(), shown);
    }
}
