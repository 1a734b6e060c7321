//! The table `notifications`.

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::TableDefinition;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::message::{ChannelKind, Message, Recipient};
use crate::template::Template;

/// Notifications that were sent, by order.
pub static NOTIFICATIONS: TableDefinition = TableDefinition {
    name: "notifications",
    hash: "order_id",
    range: Some("id"),
    indexes: &[],
    streams: false,
};

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotificationStatus {
    /// The channel took it.
    Sent,
}

/// A notification as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotificationRecord {
    pub order_id: OrderId,
    /// What makes it the only one of its kind for the order.
    pub id: String,
    pub message_id: Uuid,
    pub template: Template,
    #[serde(flatten)]
    pub recipient: Recipient,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub status: NotificationStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl NotificationRecord {
    /// The record of a message that was just sent.
    pub(crate) fn sent(message: &Message, traceparent: Option<String>) -> Self {
        let now = Timestamp::now();
        Self {
            order_id: message.order_id,
            id: range_key(message.template, message.recipient.channel()),
            message_id: message.id,
            template: message.template,
            recipient: message.recipient.clone(),
            subject: message.subject.clone(),
            status: NotificationStatus::Sent,
            created_at: now,
            updated_at: now,
            version: 1,
            traceparent,
        }
    }
}

/// The range key of the one notification that an order gets by this template and channel.
pub(crate) fn range_key(template: Template, channel: ChannelKind) -> String {
    format!("{}#{}", template.as_str(), channel.as_str())
}
