//! The SDK's errors as those of the port.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use orderflow_errors::causes;
use orderflow_store_port::StoreError;

/// DynamoDB's error code for a write of an item that a transaction is writing.
const CONFLICT: &str = "TransactionConflictException";

pub(super) fn request_failed<E, R>(operation: &'static str, table: &str, error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match error.code() {
        Some(CONFLICT) => StoreError::Conflict { table: table.to_owned() },
        code => StoreError::Request {
            operation,
            table: table.to_owned(),
            code: code.unwrap_or("NoAnswer").to_owned(),
            message: error.message().map_or_else(|| causes(error), str::to_owned),
        },
    }
}
