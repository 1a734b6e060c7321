//! What carries messages.

use async_trait::async_trait;
use orderflow_circuit_breaker::Open;

use crate::message::Message;

/// Sends messages. May be asked to send one again, under the same id, after a crash or a lost answer.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Sends a message.
    ///
    /// # Errors
    /// [`ChannelError`] where it was not taken.
    async fn send(&self, message: &Message) -> Result<(), ChannelError>;
}

/// A message was not taken. What is said of it holds no whole address: it is logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Not now, and the next message is likely to meet the same: it is tried again later.
    #[error("the message was not taken: {0}")]
    Unavailable(String),
    /// Not now, for a reason of this recipient's: it is tried again later.
    #[error("the message was put off: {0}")]
    PutOff(String),
    /// Never: the same message would be refused again.
    #[error("the message was refused: {0}")]
    Refused(String),
    /// The provider was not asked: it failed too often.
    #[error("the message was not tried: {0}")]
    LeftAlone(#[from] Open),
}
