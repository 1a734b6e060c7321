//! Whom a message goes to, and by which channel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Email, Phone};

/// A way to reach customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Channel)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "channel", content = "recipient", rename_all = "snake_case")]
#[schema(description = "Whom a message goes to.")]
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
