//! What carries messages.

use async_trait::async_trait;

use crate::message::{Message, Recipient};

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
    /// Not now: it is tried again later.
    #[error("the message was not taken: {0}")]
    Unavailable(String),
    /// Never: the same message would be refused again.
    #[error("the message was refused: {0}")]
    Refused(String),
}

/// Sends nothing: a line in the log stands for each message.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogChannel;

#[async_trait]
impl Channel for LogChannel {
    async fn send(&self, message: &Message) -> Result<(), ChannelError> {
        log_sent(message);
        Ok(())
    }
}

/// Tells the log that a message went out.
pub(crate) fn log_sent(message: &Message) {
    let masked: &dyn std::fmt::Debug = match &message.recipient {
        Recipient::Email(email) => email,
        Recipient::Sms(phone) => phone,
    };
    tracing::info!(
        order.id = %message.order_id,
        notification.id = %message.id,
        template = message.template.as_str(),
        channel = message.recipient.channel().as_str(),
        recipient = ?masked,
        "notification sent"
    );
}
