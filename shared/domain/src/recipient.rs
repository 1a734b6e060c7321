//! Recipients of messages, and the channels that reach them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Email, Phone};

/// A channel that reaches customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Channel)]
pub enum ChannelKind {
    /// E-mail.
    Email,
    /// Short message (SMS) to a telephone.
    Sms,
}

impl ChannelKind {
    /// All channels.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// The recipient of a message. Its `Debug` output shows no whole address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "channel", content = "recipient", rename_all = "snake_case")]
#[schema(description = "The channel and the recipient's address.")]
pub enum Recipient {
    /// An e-mail address.
    Email(Email),
    /// A telephone number.
    Sms(Phone),
}

impl Recipient {
    /// Returns the channel that reaches the recipient.
    pub const fn channel(&self) -> ChannelKind {
        match self {
            Self::Email(_) => ChannelKind::Email,
            Self::Sms(_) => ChannelKind::Sms,
        }
    }

    /// Returns the whole address or number. Not for logs.
    pub fn address(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Sms(phone) => phone.as_str(),
        }
    }
}
