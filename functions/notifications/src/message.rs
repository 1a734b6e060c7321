//! What goes out to a customer.

use orderflow_domain::{Email, OrderId, Phone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::template::Template;

/// The namespace of message ids.
const MESSAGES: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6d65_7373_6167);

/// A way to reach customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// E-mail.
    Email,
    /// Short message to a telephone.
    Sms,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// Whom a message goes to. Its `Debug` output shows no whole address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "channel", content = "recipient", rename_all = "snake_case")]
pub enum Recipient {
    /// By e-mail.
    Email(Email),
    /// By short message.
    Sms(Phone),
}

impl Recipient {
    /// The channel that reaches it.
    pub const fn channel(&self) -> ChannelKind {
        match self {
            Self::Email(_) => ChannelKind::Email,
            Self::Sms(_) => ChannelKind::Sms,
        }
    }

    /// The address or number. Not for logs.
    pub fn address(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Sms(phone) => phone.as_str(),
        }
    }
}

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for the same order, template and channel, however often it is sent: the `Message-ID` of an e-mail.
    pub id: Uuid,
    /// The order that it is about.
    pub order_id: OrderId,
    /// What it was made from.
    pub template: Template,
    /// Whom it goes to.
    pub recipient: Recipient,
    /// Its subject, where the channel has such a thing.
    pub subject: Option<String>,
    /// Its text.
    pub body: String,
}

/// The id of the one message that an order gets by this template and channel (UUIDv5, RFC 9562).
pub fn message_id(order_id: OrderId, template: Template, channel: ChannelKind) -> Uuid {
    let name = format!("{order_id}\n{}\n{}", template.as_str(), channel.as_str());
    Uuid::new_v5(&MESSAGES, name.as_bytes())
}
