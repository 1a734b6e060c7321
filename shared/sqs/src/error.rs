//! What can go wrong with the queues.

use aws_sdk_sqs::error::DisplayErrorContext;

/// SQS or SNS did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// A request was refused, or got no answer.
    #[error("{operation} failed: {reason}")]
    Request {
        /// What was asked for.
        operation: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// A request was answered, but did not do all that it asked for.
    #[error("{operation} failed for {count} of its messages: {reason}")]
    Entries {
        /// What was asked for.
        operation: &'static str,
        /// How many messages it was not done for.
        count: usize,
        /// Why it was not done for one of them.
        reason: String,
    },
    /// An answer lacks what it always has.
    #[error("{operation} was answered without {missing}")]
    Shape {
        /// What was asked for.
        operation: &'static str,
        /// What is missing.
        missing: &'static str,
    },
}

impl SqsError {
    /// A request that failed, or got no answer.
    pub fn request(operation: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Request { operation, reason: DisplayErrorContext(error).to_string() }
    }
}
