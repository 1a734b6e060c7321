//! The parts of Stripe's objects that the gateway reads.

use orderflow_domain::OrderId;
use serde::Deserialize;

use super::failure::ErrorBody;
use super::webhook::Metadata;
use crate::gateway::{Charge, GatewayError};

/// Stripe's PaymentIntent, which can be charged at most once.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    pub(super) status: IntentStatus,
    /// In Stripe's unit of the currency.
    pub(super) amount: i64,
    #[serde(default)]
    latest_charge: Option<LatestCharge>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    last_payment_error: Option<ErrorBody>,
}

/// The status of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IntentStatus {
    RequiresConfirmation,
    /// A charge was declined. Stripe then removes the payment method, so the intent cannot be confirmed again.
    RequiresPaymentMethod,
    /// The customer would have to authenticate at the bank, which is impossible without a browser session.
    RequiresAction,
    Succeeded,
    Canceled,
    /// A transitional status, such as `processing`.
    #[serde(other)]
    Pending,
}

/// The last charge: an object if the request expanded it, an id otherwise.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Expanded { refunded: bool },
    Id(#[expect(dead_code, reason = "only its type is read")] String),
}

impl PaymentIntent {
    /// Returns the order that the intent pays; `None` for an intent of another program.
    pub(super) fn order(&self) -> Option<OrderId> {
        self.metadata.order()
    }

    /// Returns the result of the charge; `None` if the intent can still be charged.
    ///
    /// # Errors
    /// [`GatewayError::Unknown`] if the result is not known yet.
    pub(super) fn charge(&self) -> Result<Option<Charge>, GatewayError> {
        match self.status {
            IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction => Ok(None),
            IntentStatus::Succeeded if self.is_refunded() => Ok(Some(Charge::Reversed)),
            IntentStatus::Succeeded => Ok(Some(Charge::Captured { provider_id: self.id.clone() })),
            IntentStatus::RequiresPaymentMethod => Ok(Some(Charge::Declined { reason: self.reason() })),
            IntentStatus::Canceled => Ok(Some(Charge::Reversed)),
            IntentStatus::Pending => {
                Err(GatewayError::Unknown("the intent is neither charged nor declined yet".to_owned()))
            }
        }
    }

    /// Returns why an intent that could still be charged must be declined; `None` if it can be confirmed.
    pub(super) fn decline_reason(&self) -> Option<String> {
        (self.status == IntentStatus::RequiresAction).then(|| "authentication_required".to_owned())
    }

    /// Returns whether the charge is refunded in full. `false` if the charge was not expanded.
    fn is_refunded(&self) -> bool {
        matches!(self.latest_charge, Some(LatestCharge::Expanded { refunded: true }))
    }

    fn reason(&self) -> String {
        let code = self.last_payment_error.as_ref().and_then(|error| error.code.clone());
        code.unwrap_or_else(|| "card_declined".to_owned())
    }
}

/// Stripe's Refund.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    /// In Stripe's unit of the currency.
    amount: i64,
    /// Absent for a pending refund.
    #[serde(default)]
    status: Option<RefundStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Failed,
    Canceled,
    /// Succeeded or pending.
    #[serde(other)]
    Effective,
}

impl Refund {
    /// Returns whether the refund succeeded or is pending.
    pub(super) fn is_effective(&self) -> bool {
        !matches!(self.status, Some(RefundStatus::Failed | RefundStatus::Canceled))
    }

    /// Returns the amount that the refund returns; 0 if it failed.
    pub(super) fn effective_amount(&self) -> i64 {
        if self.is_effective() { self.amount } else { 0 }
    }
}

/// A page of a listing.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
}
