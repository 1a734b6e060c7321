//! Stripe's objects, as far as they are looked at.

use serde::Deserialize;

use super::failure::ErrorBody;
use crate::gateway::{Charge, GatewayError};

/// One order's way to be paid: Stripe sees to it that it is charged at most once.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    pub(super) status: IntentStatus,
    /// In the units that Stripe counts the currency in.
    pub(super) amount: i64,
    #[serde(default)]
    latest_charge: Option<LatestCharge>,
    #[serde(default)]
    last_payment_error: Option<ErrorBody>,
}

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IntentStatus {
    RequiresConfirmation,
    /// A charge was declined. That takes the means of payment off the intent, so that it cannot be confirmed again.
    RequiresPaymentMethod,
    /// The customer would have to sign in at the bank, and is not here.
    RequiresAction,
    Succeeded,
    Canceled,
    /// On its way to one of the others.
    #[serde(other)]
    Undecided,
}

/// An id, where it was not asked to be expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Expanded { refunded: bool },
    Id(#[expect(dead_code, reason = "only whether it is one is of interest")] String),
}

impl PaymentIntent {
    /// What became of the charge; none where it can still be made.
    ///
    /// # Errors
    /// [`GatewayError::Unknown`] where that is not decided yet.
    pub(super) fn charge(&self) -> Result<Option<Charge>, GatewayError> {
        match self.status {
            IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction => Ok(None),
            IntentStatus::Succeeded if self.is_refunded() => Ok(Some(Charge::CalledOff)),
            IntentStatus::Succeeded => Ok(Some(Charge::Captured { provider_id: self.id.clone() })),
            IntentStatus::RequiresPaymentMethod => Ok(Some(Charge::Declined { reason: self.reason() })),
            IntentStatus::Canceled => Ok(Some(Charge::CalledOff)),
            IntentStatus::Undecided => {
                Err(GatewayError::Unknown("the intent is neither charged nor declined yet".to_owned()))
            }
        }
    }

    /// Why the charge is not made although it still can be; none where nothing speaks against it.
    pub(super) fn objection(&self) -> Option<String> {
        (self.status == IntentStatus::RequiresAction).then(|| "authentication_required".to_owned())
    }

    /// Whether all was given back. Known only where the charge was expanded.
    fn is_refunded(&self) -> bool {
        matches!(self.latest_charge, Some(LatestCharge::Expanded { refunded: true }))
    }

    fn reason(&self) -> String {
        let code = self.last_payment_error.as_ref().and_then(|error| error.code.clone());
        code.unwrap_or_else(|| "card_declined".to_owned())
    }
}

/// Money on its way back.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    /// In the units that Stripe counts the currency in.
    amount: i64,
    /// None where Stripe calls it pending for want of a word.
    #[serde(default)]
    status: Option<RefundStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Failed,
    Canceled,
    /// Given back, or on its way.
    #[serde(other)]
    InForce,
}

impl Refund {
    /// Whether the money is given back or on its way.
    pub(super) fn is_in_force(&self) -> bool {
        !matches!(self.status, Some(RefundStatus::Failed | RefundStatus::Canceled))
    }

    /// How much it gives back, or is about to.
    pub(super) fn amount_in_force(&self) -> i64 {
        if self.is_in_force() { self.amount } else { 0 }
    }
}

/// A page of a listing.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
}
