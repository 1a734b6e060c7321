//! Errors of SNS and SQS.

use std::error::Error;

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata};

/// A request to SNS or SQS failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// The request was refused, or no response arrived.
    #[error("{operation} failed: {reason}")]
    Request {
        /// The operation of the AWS API.
        operation: &'static str,
        /// The reason.
        reason: String,
    },
    /// A batch request failed for some of its entries.
    #[error("{operation} failed for {count} of its messages: {reason}")]
    Entries {
        /// The operation of the AWS API.
        operation: &'static str,
        /// The number of failed entries.
        count: usize,
        /// The reason of the first failure.
        reason: String,
    },
    /// A response lacks a required value.
    #[error("{operation} was answered without {missing}")]
    Shape {
        /// The operation of the AWS API.
        operation: &'static str,
        /// The missing value.
        missing: &'static str,
    },
}

impl SqsError {
    /// Returns the error of a failed request.
    pub fn request(operation: &'static str, error: impl Error + ProvideErrorMetadata + 'static) -> Self {
        Self::Request { operation, reason: orderflow_errors::reason(error.code(), error.message(), &error) }
    }

    /// Returns the error of a request that cannot be built.
    pub(crate) fn unsent(operation: &'static str, error: &BuildError) -> Self {
        Self::Request { operation, reason: error.to_string() }
    }
}
