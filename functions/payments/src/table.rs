//! The table `payments`.

use orderflow_domain::{Currency, Email, EventType, Money, OrderId, Phone, Timestamp};
use orderflow_store::{IndexDefinition, TableDefinition, TimeKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plan::Standing;

/// Payments, by order. Gateways keep here what they know of an order too, under keys that are no order's id.
pub static PAYMENTS: TableDefinition =
    TableDefinition { name: "payments", hash: "pk", range: None, indexes: &[LISTED], streams: true };

/// Payments that somebody has to see to, by status and time: too few for a partition to be hot.
pub(crate) const LISTED: IndexDefinition =
    IndexDefinition { name: "listed", hash: "listed", range: "listed_at" };

/// Where the payment of an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// A charge was sent and its outcome is not known yet.
    Claimed,
    /// The charge is taken.
    Completed,
    /// The gateway said no.
    Failed,
    /// The order is refused and was never charged; it never will be.
    Voided,
    /// The order is refused and its charge was given back.
    Refunded,
    /// The order is refused and its charge could not be given back: somebody has to see to it.
    RefundFailed,
}

impl PaymentStatus {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
        }
    }

    /// The event that tells of it. What is not decided, or went wrong, has none.
    pub fn event_type(self) -> Option<EventType> {
        match self {
            Self::Completed => Some(EventType::PaymentCompleted),
            Self::Failed => Some(EventType::PaymentFailed),
            Self::Voided => Some(EventType::PaymentVoided),
            Self::Refunded => Some(EventType::PaymentRefunded),
            Self::Claimed | Self::RefundFailed => None,
        }
    }
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
    /// Why it failed, or why the order was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Set once the order is refused: it must not be charged any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Its status, while somebody has to see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<PaymentStatus>,
    /// When it was made and its order's id, with a `#` between, while it is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<String>,
    /// Whom to tell of a refund: taken from the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl PaymentRecord {
    /// Writes down where the payment stands, and lists it accordingly.
    pub(crate) fn set_status(&mut self, status: PaymentStatus) {
        self.status = status;
        self.listed = (status == PaymentStatus::RefundFailed).then_some(status);
        self.listed_at =
            self.listed.map(|_| TimeKey { time: self.created_at, order_id: self.order_id }.to_string());
    }

    /// What the rules look at.
    pub(crate) fn standing(&self) -> Standing {
        Standing { status: self.status, refused: self.refused }
    }

    /// Whether money was taken, be it given back or not.
    pub(crate) fn tells_of_a_charge(&self) -> bool {
        use PaymentStatus::{Completed, RefundFailed, Refunded};
        let taken = matches!(self.status, Completed | RefundFailed | Refunded);
        taken && self.provider_id.is_some()
    }

    /// What is or was to be charged.
    pub(crate) fn total(&self) -> Money {
        Money { amount: self.amount, currency: self.currency.clone() }
    }
}
