//! The table `payments`.

use orderflow_domain::{Currency, Email, EventType, Money, OrderId, Phone, Timestamp};
use orderflow_store::{IndexDefinition, TableDefinition, TimeKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Payments, by order. Gateways keep their own records of an order here too, under keys that are not order ids.
pub static PAYMENTS: TableDefinition =
    TableDefinition { name: "payments", hash: "pk", range: None, indexes: &[LISTED], streams: true };

/// Payments that need an operator, by status and time. There are too few for a hot partition.
pub(crate) const LISTED: IndexDefinition =
    IndexDefinition { name: "listed", hash: "listed", range: "listed_at" };

/// The status of an order's payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The outcome of a charge or of a reversal is not known yet.
    #[serde(alias = "claimed")]
    Unknown,
    /// The charge is captured.
    Completed,
    /// The charge is declined.
    Failed,
    /// The order is refused and was not charged; it can no longer be charged.
    Voided,
    /// The order is refused and its charge is refunded.
    Refunded,
    /// The order is refused and the refund of its charge failed; an operator must retry it.
    RefundFailed,
}

impl PaymentStatus {
    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
        }
    }

    /// Returns the event that announces the status; `None` for a status that is not final.
    pub fn event_type(self) -> Option<EventType> {
        match self {
            Self::Completed => Some(EventType::PaymentCompleted),
            Self::Failed => Some(EventType::PaymentFailed),
            Self::Voided => Some(EventType::PaymentVoided),
            Self::Refunded => Some(EventType::PaymentRefunded),
            Self::Unknown | Self::RefundFailed => None,
        }
    }
}

/// What the rules read of a payment's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PaymentState {
    pub status: PaymentStatus,
    pub refused: bool,
}

/// A payment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaymentRecord {
    #[serde(rename = "pk")]
    pub order_id: OrderId,
    pub status: PaymentStatus,
    /// Minor units.
    pub amount: i64,
    pub currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why the charge was declined, or why the order was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the order is refused, and must not be charged any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// The status while it needs an operator: the hash key of the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<PaymentStatus>,
    /// The [`TimeKey`] while the payment is listed: the range key of the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<String>,
    /// Whom to notify of a refund: taken from the event that refused the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// The dispute about the charge, if the customer's bank opened one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
    /// The ids of the provider's latest events that changed the payment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_events: Vec<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// A dispute about a charge: the customer's bank takes the money back until the dispute is won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Dispute {
    /// The provider's id.
    pub id: String,
    /// The provider's status, such as `needs_response`, `won` or `lost`.
    pub status: String,
    /// The provider's reason, such as `fraudulent`.
    pub reason: String,
    /// When the provider reported this status.
    pub updated_at: Timestamp,
}

/// The most events of the provider that are remembered with a payment. A payment has few, and the provider repeats an event for three days.
const PROVIDER_EVENTS_MAX: usize = 16;

impl PaymentRecord {
    /// Returns whether this event of the provider has changed the payment before.
    pub(crate) fn has_applied(&self, event: &str) -> bool {
        self.provider_events.iter().any(|applied| applied == event)
    }

    /// Remembers that this event of the provider has changed the payment.
    pub(crate) fn remember(&mut self, event: &str) {
        if self.provider_events.len() >= PROVIDER_EVENTS_MAX {
            self.provider_events.remove(0);
        }
        self.provider_events.push(event.to_owned());
    }

    /// Sets the status, and puts the payment on the list of its status or takes it off.
    pub(crate) fn set_status(&mut self, status: PaymentStatus) {
        self.status = status;
        self.listed = (status == PaymentStatus::RefundFailed).then_some(status);
        let key = TimeKey { time: self.created_at, order_id: self.order_id };
        self.listed_at = self.listed.map(|_| key.to_string());
    }

    /// Returns what the rules read of the row.
    pub(crate) fn state(&self) -> PaymentState {
        PaymentState { status: self.status, refused: self.refused }
    }

    /// Returns whether money was captured, refunded or not.
    pub(crate) fn has_captured_charge(&self) -> bool {
        use PaymentStatus::{Completed, RefundFailed, Refunded};
        let captured = matches!(self.status, Completed | RefundFailed | Refunded);
        captured && self.provider_id.is_some()
    }

    /// Returns the amount of the charge.
    pub(crate) fn total(&self) -> Money {
        Money { amount: self.amount, currency: self.currency.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_also_read_under_its_earlier_name() {
        assert_eq!(serde_json::from_str::<PaymentStatus>(r#""claimed""#).unwrap(), PaymentStatus::Unknown);
        assert_eq!(serde_json::to_string(&PaymentStatus::Unknown).unwrap(), r#""unknown""#);
    }
}
