//! Where a message goes that can never be dealt with.

use async_trait::async_trait;

/// A message with the reason why it is out of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// A stable code.
    pub code: String,
    /// Why, for a person.
    pub reason: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// The message as it came.
    pub body: String,
}

/// A dead letter could not be put away.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the dead letter cannot be stored: {0}")]
pub struct DeadLetterError(pub String);

/// Keeps dead letters until a person looks at them.
#[async_trait]
pub trait DeadLetterQueue: Send + Sync + 'static {
    /// Stores one. When this returns `Ok` it is durable.
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError>;
}
