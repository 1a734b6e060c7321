//! What goes out to a customer.

use orderflow_domain::{ChannelKind, OrderId, Recipient};
use uuid::Uuid;

use crate::template::Template;

/// The namespace of message ids.
const MESSAGES: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6d65_7373_6167);

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same however often the message is sent: the `Message-ID` of an e-mail.
    pub id: Uuid,
    /// The order that it is about, if it is about one.
    pub order_id: Option<OrderId>,
    /// The template that it was made from.
    pub template: String,
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
