//! The table `notifications`.

use orderflow_bugs::is_planted;
use orderflow_domain::{ChannelKind, OrderId, Recipient, Timestamp};
use orderflow_store::{Item, Table, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::channel::Message;
use crate::template::Template;

/// Notifications, by the order that they are about. A notification that was requested through the API is stored under its
/// own id.
pub static NOTIFICATIONS: TableDefinition = TableDefinition {
    name: "notifications",
    hash: "order_id",
    range: Some("id"),
    indexes: &[],
    streams: true,
};

/// The range key of a requested notification, which is the only item under its hash key.
pub(crate) const REQUEST: &str = "request";

/// The range key of the mark of an order whose customer is forgotten.
const FORGOTTEN: &str = "forgotten";

/// The identity of a notification: it is sent once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct NotificationKey {
    #[serde(rename = "order_id")]
    owner: Uuid,
    id: String,
}

impl NotificationKey {
    /// Returns the key of the one notification that an order gets from this template on this channel.
    pub(crate) fn of_outcome(order_id: OrderId, template: Template, channel: ChannelKind) -> Self {
        Self { owner: *order_id.as_uuid(), id: format!("{}#{}", template.as_str(), channel.as_str()) }
    }

    /// Returns the key of a requested notification.
    pub(crate) fn of_request(id: Uuid) -> Self {
        Self { owner: id, id: REQUEST.to_owned() }
    }

    /// Returns the key of the mark of an order whose customer is forgotten.
    pub(crate) fn mark_of(order: Uuid) -> Self {
        Self { owner: order, id: FORGOTTEN.to_owned() }
    }

    /// Returns the key of the mark that the order of this notification has if its customer is forgotten. `None` for a requested notification,
    /// which is blanked itself.
    pub(crate) fn mark(&self) -> Option<Self> {
        (self.id != REQUEST).then(|| Self::mark_of(self.owner))
    }

    /// Returns whether this is the key of a mark, and not of a notification.
    pub(crate) fn is_mark(&self) -> bool {
        self.id == FORGOTTEN
    }

    /// Returns the key in the form of the table.
    pub(crate) fn item(&self, table: &Table) -> Item {
        table.key_with_range(self.owner.to_string(), &self.id)
    }
}

/// The status of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotificationStatus {
    /// The notification was requested and is not sent yet.
    Requested,
    /// The provider accepted the message.
    Sent,
}

/// A notification as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotificationRecord {
    #[serde(flatten)]
    pub key: NotificationKey,
    pub message_id: Uuid,
    pub template: String,
    #[serde(flatten)]
    pub recipient: Recipient,
    /// The variables of a requested notification as JSON text, because the numbers of the store are not those of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub status: NotificationStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The claim of the consumer that is sending the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
}

/// Who is sending a message, and since when. Earlier versions ignore it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// The consumer.
    pub owner: Uuid,
    pub at: Timestamp,
}

impl NotificationRecord {
    /// Creates the record of a requested notification.
    pub(crate) fn requested(
        id: Uuid,
        recipient: Recipient,
        template: String,
        variables: &Map<String, Value>,
        traceparent: String,
    ) -> Self {
        let now = Timestamp::now();
        Self {
            key: NotificationKey::of_request(id),
            message_id: id,
            template,
            recipient,
            variables: Some(
                serde_json::to_string(variables)
                    .expect("values that were read from JSON can be written as JSON"),
            ),
            subject: None,
            status: NotificationStatus::Requested,
            created_at: now,
            updated_at: now,
            version: 1,
            traceparent: Some(traceparent),
            claim: None,
        }
    }

    /// Creates the record of a notification that a consumer is about to send for the first time.
    pub(crate) fn required(
        key: NotificationKey,
        message: &Message,
        traceparent: Option<String>,
        claim: Claim,
    ) -> Self {
        let is_early = is_planted("notification-recorded-before-sent");
        let status = if is_early { NotificationStatus::Sent } else { NotificationStatus::Requested };
        Self {
            key,
            message_id: message.id,
            template: message.template.clone(),
            recipient: message.recipient.clone(),
            variables: None,
            subject: None,
            status,
            created_at: claim.at,
            updated_at: claim.at,
            version: 1,
            traceparent,
            claim: Some(claim),
        }
    }

    /// Returns whether the notification was requested through the API, so that its record is older than its first claim.
    pub(crate) fn is_request(&self) -> bool {
        self.variables.is_some()
    }

    /// Returns the record with a claim in place of an earlier one.
    pub(crate) fn claimed(self, claim: Claim) -> Self {
        Self { updated_at: claim.at, version: self.version + 1, claim: Some(claim), ..self }
    }

    /// Returns the record once its message was not sent.
    pub(crate) fn released(self) -> Self {
        Self { updated_at: Timestamp::now(), version: self.version + 1, claim: None, ..self }
    }

    /// Returns the record once its message is sent.
    pub(crate) fn fulfilled(self, message: &Message) -> Self {
        Self {
            subject: message.subject.clone(),
            status: NotificationStatus::Sent,
            updated_at: Timestamp::now(),
            version: self.version + 1,
            claim: None,
            ..self
        }
    }

    /// Reads the variables of the request.
    pub(crate) fn variables(&self) -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_str(self.variables.as_deref().unwrap_or("{}"))
    }
}
