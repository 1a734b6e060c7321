//! The status of an order, and the reasons of the refused ones.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why an order was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// Fewer units were available than the order asks for.
    OutOfStock,
    /// Inventory knows no product with one of the skus.
    UnknownProduct,
    /// The payment provider declined the payment.
    PaymentDeclined,
}

impl RejectionReason {
    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::UnknownProduct => "unknown_product",
            Self::PaymentDeclined => "payment_declined",
        }
    }
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReason {
    /// The customer cancelled it.
    Customer,
    /// It stayed undecided longer than `ORDER_EXPIRES_AFTER`.
    Expired,
}

impl CancellationReason {
    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Expired => "expired",
        }
    }
}

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Accepted; neither reserved nor paid.
    Pending,
    /// Its units are reserved.
    Reserved,
    /// Its units are reserved and its payment is captured. Final.
    Confirmed,
    /// Refused by inventory or by the payment provider. Final.
    Rejected(RejectionReason),
    /// Cancelled by the customer or by `order-expiry`. Final.
    Cancelled(CancellationReason),
}

/// A status and reason that form no [`OrderStatus`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown order status {status:?} with reason {reason:?}")]
pub struct UnknownStatus {
    status: String,
    reason: Option<String>,
}

impl OrderStatus {
    /// The names of all statuses.
    pub const NAMES: [&str; 5] = ["pending", "reserved", "confirmed", "rejected", "cancelled"];

    /// Returns the status with this name and reason.
    ///
    /// # Errors
    /// [`UnknownStatus`] for an unknown name, or a reason that the status cannot have.
    pub fn from_parts(status: &str, reason: Option<&str>) -> Result<Self, UnknownStatus> {
        use {CancellationReason as C, RejectionReason as R};
        [
            Self::Pending,
            Self::Reserved,
            Self::Confirmed,
            Self::Rejected(R::OutOfStock),
            Self::Rejected(R::UnknownProduct),
            Self::Rejected(R::PaymentDeclined),
            Self::Cancelled(C::Customer),
            Self::Cancelled(C::Expired),
        ]
        .into_iter()
        .find(|known| known.name() == status && known.reason() == reason)
        .ok_or_else(|| UnknownStatus { status: status.to_owned(), reason: reason.map(str::to_owned) })
    }

    /// Returns the name, without the reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reserved => "reserved",
            Self::Confirmed => "confirmed",
            Self::Rejected(_) => "rejected",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Returns why the order was rejected or cancelled; `None` for the other statuses.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Rejected(reason) => Some(reason.as_str()),
            Self::Cancelled(reason) => Some(reason.as_str()),
            _ => None,
        }
    }

    /// Returns whether the status is final.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Reserved)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(f, "{} ({reason})", self.name()),
            None => f.write_str(self.name()),
        }
    }
}
