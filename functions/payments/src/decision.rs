//! Decides what happens to a payment's row and to the delivery once the gateway has answered: the rules, without any I/O.

use std::time::Duration;

use orderflow_backoff::spread;
use orderflow_bugs::is_planted;
use orderflow_messaging::{DeadLetterCode, Outcome};

use crate::gateway::{Charge, GatewayError, Reversal};
use crate::request::PaymentRequest;
use crate::table::{PaymentRecord, PaymentStatus};
use crate::update::PaymentUpdate;

/// The longest `Retry-After` that is obeyed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// The longest delay after a call that the provider did not answer: as long as the longest pause of its circuit breaker. An order that was tried
/// often during an outage, such as the only one that waits, goes on soon after its end.
const RETRY_WITHIN: Duration = Duration::from_secs(20);

/// What to do with an order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Leave its row as it is and give the delivery this outcome.
    Finish(Outcome),
    /// Write its row.
    Write(Box<PaymentUpdate>),
}

impl From<PaymentUpdate> for Decision {
    fn from(update: PaymentUpdate) -> Self {
        Self::Write(Box::new(update))
    }
}

/// Decides once the result of a charge is known.
pub(crate) fn after_charge(
    row: Option<&PaymentRecord>,
    request: &PaymentRequest,
    charge: Charge,
) -> Decision {
    match charge {
        Charge::Captured { provider_id } => {
            PaymentUpdate::status(row, request, PaymentStatus::Completed).with_provider_id(provider_id).into()
        }
        Charge::Declined { .. } if is_planted("decline-taken-as-charge") => {
            PaymentUpdate::status(row, request, PaymentStatus::Completed).into()
        }
        Charge::Declined { reason } => {
            PaymentUpdate::status(row, request, PaymentStatus::Failed).with_reason(reason).into()
        }
        // The delivery that requested the reversal writes the row, or is retried until it has.
        Charge::Reversed => Decision::Finish(Outcome::Done),
    }
}

/// Decides after a charge whose outcome is unknown. The first time, the row makes that visible.
pub(crate) fn after_unknown_charge(
    row: Option<&PaymentRecord>,
    request: &PaymentRequest,
    error: &GatewayError,
) -> Decision {
    if is_planted("unknown-charge-taken-as-declined") {
        return PaymentUpdate::status(row, request, PaymentStatus::Failed).into();
    }
    if row.is_some() { after_failed_call(error) } else { record_unknown(row, request, error) }
}

/// Decides after a call that failed and changes no row.
pub(crate) fn after_failed_call(error: &GatewayError) -> Decision {
    Decision::Finish(failed_call_outcome(error))
}

/// Decides after a reversal.
pub(crate) fn after_reversal(
    row: Option<&PaymentRecord>,
    request: &PaymentRequest,
    answer: &Result<Reversal, GatewayError>,
) -> Decision {
    match answer {
        Ok(Reversal::Refunded { provider_id }) => {
            PaymentUpdate::status(row, request, PaymentStatus::Refunded)
                .with_provider_id(provider_id.clone())
                .into()
        }
        Ok(Reversal::Voided) => after_void(row, request),
        Err(_) if is_planted("failed-refund-reported-as-done") => {
            PaymentUpdate::status(row, request, PaymentStatus::Refunded).into()
        }
        Err(error) if gives_up(error, request) => after_failed_refund(row, request),
        Err(error) if prevents_charge(row) => after_failed_call(error),
        // Until the reversal succeeds, the row keeps the order from being charged.
        Err(error) => record_unknown(row, request, error),
    }
}

/// Checks a reversal against the row. If the provider answers `Voided` although the row has a captured charge, another provider made that
/// charge.
pub(crate) fn check_reversal(
    row: Option<&PaymentRecord>,
    reversal: Reversal,
) -> Result<Reversal, GatewayError> {
    if reversal == Reversal::Voided && row.is_some_and(PaymentRecord::has_captured_charge) {
        return Err(GatewayError::charge_not_found());
    }
    Ok(reversal)
}

/// Returns whether a failed reversal is not retried: the row becomes `refund_failed`, until an operator or a resent event tries again.
pub(crate) fn gives_up(error: &GatewayError, request: &PaymentRequest) -> bool {
    match error {
        GatewayError::Refused(_) => true,
        // The last attempt is not used up as long as the gateway was not called.
        GatewayError::NotCalled { .. } => false,
        _ => request.last_attempt,
    }
}

fn after_void(row: Option<&PaymentRecord>, request: &PaymentRequest) -> Decision {
    match row {
        Some(row) if row.status == PaymentStatus::Voided && request.resend.is_some() => {
            PaymentUpdate::resend(row, request).into()
        }
        Some(row) if row.status == PaymentStatus::Voided => Decision::Finish(Outcome::Done),
        _ => PaymentUpdate::status(row, request, PaymentStatus::Voided).into(),
    }
}

/// Records that an operator must refund the charge. No event says that the payment is reversed, because it is not.
fn after_failed_refund(row: Option<&PaymentRecord>, request: &PaymentRequest) -> Decision {
    match row {
        Some(row) if row.status == PaymentStatus::RefundFailed => Decision::Finish(Outcome::Done),
        _ => PaymentUpdate::status(row, request, PaymentStatus::RefundFailed).into(),
    }
}

/// Writes a row with an unknown outcome, and retries the delivery.
fn record_unknown(row: Option<&PaymentRecord>, request: &PaymentRequest, error: &GatewayError) -> Decision {
    PaymentUpdate::status(row, request, PaymentStatus::Unknown)
        .with_outcome(failed_call_outcome(error))
        .into()
}

/// Returns whether the row already keeps the order from being charged.
fn prevents_charge(row: Option<&PaymentRecord>) -> bool {
    row.is_some_and(|row| row.refused || row.status != PaymentStatus::Unknown)
}

/// Returns the outcome of a delivery whose call failed.
fn failed_call_outcome(error: &GatewayError) -> Outcome {
    let reason = error.to_string();
    match error {
        GatewayError::NotCalled { retry_after, .. } => Outcome::Defer { reason, after: spread(*retry_after) },
        GatewayError::Busy { retry_after } => {
            Outcome::retry_after(reason, spread((*retry_after).min(RETRY_AFTER_MAX)))
        }
        GatewayError::Refused(_) => Outcome::DeadLetter { code: DeadLetterCode::PAYMENT_REFUSED, reason },
        GatewayError::Unknown(_) | GatewayError::Unavailable(_) => {
            Outcome::retry_within(reason, RETRY_WITHIN)
        }
        GatewayError::RefundFailed(_) => Outcome::retry(reason),
    }
}
