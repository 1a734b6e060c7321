//! Messages, and the channel that sends them.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{ChannelKind, OrderId, Recipient};
use uuid::Uuid;

use crate::template::Template;
use crate::turns::{TooLate, Turn};

/// The namespace of message ids.
const MESSAGES: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6d65_7373_6167);

/// A message that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same id whenever the message is sent: the `Message-ID` of an e-mail.
    pub id: Uuid,
    /// The order that the message is about, if any.
    pub order_id: Option<OrderId>,
    /// The name of the template that the message was rendered from.
    pub template: String,
    /// The recipient.
    pub recipient: Recipient,
    /// The subject (e-mail only).
    pub subject: Option<String>,
    /// The text.
    pub body: String,
}

/// Returns the id of the one message that an order gets from this template on this channel (UUIDv5, RFC 9562).
pub fn message_id(order_id: OrderId, template: Template, channel: ChannelKind) -> Uuid {
    let name = format!("{order_id}\n{}\n{}", template.as_str(), channel.as_str());
    Uuid::new_v5(&MESSAGES, name.as_bytes())
}

/// A provider of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderState {
    /// Its name, which is that of its circuit breaker.
    pub name: &'static str,
    /// Whether it is called: its circuit breaker is closed.
    pub is_available: bool,
}

/// Sends messages. The same message may be sent again, under the same id, after a crash or a lost answer.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Returns whether the message can be sent at present, without an attempt to send it.
    ///
    /// # Errors
    /// [`ChannelError::CircuitOpen`] if [`Channel::send`] would return it.
    fn ready(&self, _message: &Message) -> Result<(), ChannelError> {
        Ok(())
    }

    /// Returns whether the message is sent to a customer. Without a provider it is only logged: it needs no turn, and no claim that other processes
    /// see, because a line that is logged again reaches no customer.
    fn reaches_customers(&self, _message: &Message) -> bool {
        true
    }

    /// Sends a message. Waits for its turn before the step after which the provider may have accepted it.
    ///
    /// # Errors
    /// [`ChannelError`] if the message was not accepted.
    async fn send(&self, message: &Message, turn: &mut Turn) -> Result<(), ChannelError>;

    /// Returns the state of each provider.
    fn providers(&self) -> Vec<ProviderState> {
        Vec::new()
    }
}

/// A message that was not accepted. The reason is logged, so it contains no complete address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The provider is unavailable, for other messages too.
    #[error("the message was not accepted: {0}")]
    Unavailable(String),
    /// The recipient's mailbox is unavailable at present. Other recipients are not affected.
    #[error("the recipient's mailbox is unavailable: {0}")]
    RecipientUnavailable(String),
    /// The provider refuses the message, and would refuse it again.
    #[error("the message was refused: {0}")]
    Refused(String),
    /// The message was not handed to the provider.
    #[error(transparent)]
    TooLate(#[from] TooLate),
    /// The provider was not called, because its circuit breaker is open.
    #[error(
        "the provider was not called: the circuit breaker is open; next attempt in {} ms",
        retry_after.as_millis()
    )]
    CircuitOpen {
        /// The time until the provider can be called.
        retry_after: Duration,
    },
}
