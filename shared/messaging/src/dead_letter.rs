//! Where a message goes that can never be dealt with.

use async_trait::async_trait;
use uuid::Uuid;

/// The namespace of ids that are derived from a message's body.
const BODIES: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_626f_6469_6573);

/// The id of a message that has none of its own: the same for the same body (UUIDv5, RFC 9562).
pub fn body_id(body: &str) -> String {
    Uuid::new_v5(&BODIES, body.as_bytes()).to_string()
}

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
