//! Carries a plan out at the gateway, and says what the row becomes of it.

use std::time::Duration;

use orderflow_backoff::spread;
use orderflow_domain::{OrderId, PaymentToken};
use orderflow_messaging::Outcome;

use crate::change::Change;
use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};
use crate::plan::{Plan, plan};
use crate::table::{PaymentRecord, PaymentStatus};
use crate::work::Work;

/// The longest that a gateway is believed to be busy.
const LONGEST_BUSY: Duration = Duration::from_secs(120);

/// The code of charges that the gateway will never take.
const REFUSED: &str = "payment-refused";

/// The code of refunds that were given up, in logs. The alarm of template.yaml looks for it.
pub const REFUND_FAILED: &str = "refund_failed";

/// What is left to do for an order once the gateway has done its part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: this is what the delivery has come to.
    Settle(Outcome),
    /// To write its row.
    Write(Box<Change>),
}

/// The next step of an order. Calls the gateway where the row does not decide alone.
pub(crate) async fn next_step(
    gateway: &dyn PaymentGateway,
    row: Option<&PaymentRecord>,
    work: &Work,
) -> Step {
    match plan(row.map(PaymentRecord::standing), work) {
        Plan::Leave => Step::Settle(Outcome::Done),
        Plan::TellAgain => {
            row.map_or(Step::Settle(Outcome::Done), |row| write(Change::told_again(row, work)))
        }
        Plan::Void => write(Change::moved(row, work, PaymentStatus::Voided)),
        Plan::Charge(token) => charge(gateway, row, work, token).await,
        Plan::FindOrCharge(token) => match gateway.find(work.order_id).await {
            Ok(Some(known)) => charged(row, work, known),
            Ok(None) => charge(gateway, row, work, token).await,
            Err(error) => Step::Settle(again(&error)),
        },
        Plan::Undo => undo(gateway, row, work).await,
    }
}

async fn charge(
    gateway: &dyn PaymentGateway,
    row: Option<&PaymentRecord>,
    work: &Work,
    token: Option<&PaymentToken>,
) -> Step {
    let request =
        ChargeRequest { order_id: work.order_id, amount: work.total.clone(), token: token.cloned() };
    match gateway.charge(&request).await {
        Ok(answer) => charged(row, work, answer),
        Err(error @ GatewayError::Unknown(_)) => {
            // The key tells at once what most lost answers were.
            match gateway.find(work.order_id).await {
                Ok(Some(known)) => charged(row, work, known),
                Ok(None) | Err(_) if row.is_some() => Step::Settle(again(&error)),
                Ok(None) | Err(_) => write(claimed(row, work, &error)),
            }
        }
        Err(error) => Step::Settle(again(&error)),
    }
}

fn charged(row: Option<&PaymentRecord>, work: &Work, charge: Charge) -> Step {
    match charge {
        Charge::Captured { provider_id } => {
            write(Change::moved(row, work, PaymentStatus::Completed).with_provider_id(provider_id))
        }
        Charge::Declined { reason } => {
            write(Change::moved(row, work, PaymentStatus::Failed).with_reason(reason))
        }
        // The refusal that called it off writes the row, or comes again to do so.
        Charge::CalledOff => Step::Settle(Outcome::Done),
    }
}

async fn undo(gateway: &dyn PaymentGateway, row: Option<&PaymentRecord>, work: &Work) -> Step {
    let amount = row.map_or_else(|| work.total.clone(), PaymentRecord::total);
    match gateway.undo(work.order_id, &amount).await {
        Ok(Undone::Refunded { provider_id }) => {
            write(Change::moved(row, work, PaymentStatus::Refunded).with_provider_id(provider_id))
        }
        Ok(Undone::Voided) if row.is_some_and(PaymentRecord::tells_of_a_charge) => {
            not_undone(row, work, &GatewayError::unknown_charge())
        }
        Ok(Undone::Voided) => voided(row, work),
        Err(error) => not_undone(row, work, &error),
    }
}

fn not_undone(row: Option<&PaymentRecord>, work: &Work, error: &GatewayError) -> Step {
    let given_up = match error {
        GatewayError::Refused(_) => true,
        // The last attempt is not used up while nobody asks the gateway.
        GatewayError::Open { .. } => false,
        _ => work.last_attempt,
    };
    if given_up {
        return give_up(row, work, error);
    }
    if is_noted(row) {
        return Step::Settle(again(error));
    }
    // Whoever asks for the charge meanwhile must meet the refusal.
    write(claimed(row, work, error))
}

/// The order stays claimed, and comes again.
fn claimed(row: Option<&PaymentRecord>, work: &Work, error: &GatewayError) -> Change {
    Change::moved(row, work, PaymentStatus::Claimed).with_outcome(again(error))
}

/// Whether the row keeps the order from being charged from now on.
fn is_noted(row: Option<&PaymentRecord>) -> bool {
    row.is_some_and(|row| row.refused || row.status != PaymentStatus::Claimed)
}

fn voided(row: Option<&PaymentRecord>, work: &Work) -> Step {
    match row {
        Some(row) if row.status == PaymentStatus::Voided && work.resend.is_some() => {
            write(Change::told_again(row, work))
        }
        Some(row) if row.status == PaymentStatus::Voided => Step::Settle(Outcome::Done),
        _ => write(Change::moved(row, work, PaymentStatus::Voided)),
    }
}

/// Nobody will ask again, and nobody may be told that the charge is undone: the row keeps it in sight.
fn give_up(row: Option<&PaymentRecord>, work: &Work, error: &GatewayError) -> Step {
    report_failed_refund(work.order_id, work.trace_id(), error);
    match row {
        Some(row) if row.status == PaymentStatus::RefundFailed => Step::Settle(Outcome::Done),
        _ => write(Change::moved(row, work, PaymentStatus::RefundFailed)),
    }
}

/// Logs and counts that a charge is not undone, and that somebody has to see to it.
pub(crate) fn report_failed_refund(order_id: OrderId, trace_id: Option<&str>, error: &GatewayError) {
    tracing::error!(
        order.id = %order_id,
        trace.id = trace_id,
        error.code = REFUND_FAILED,
        %error,
        "the charge could not be undone: try again with `orderflow payment refund`"
    );
    metrics::counter!("refunds_failed_total").increment(1);
}

/// What becomes of a delivery whose call did not go through.
fn again(error: &GatewayError) -> Outcome {
    let reason = error.to_string();
    match error {
        GatewayError::Open { retry_after } => Outcome::Defer { reason, after: spread(*retry_after) },
        GatewayError::Busy { retry_after } => {
            Outcome::Retry { reason, after: Some(spread((*retry_after).min(LONGEST_BUSY))) }
        }
        GatewayError::Refused(_) => Outcome::DeadLetter { code: REFUSED, reason },
        GatewayError::Unknown(_) | GatewayError::Unavailable(_) | GatewayError::RefundFailed(_) => {
            Outcome::retry(reason)
        }
    }
}

fn write(change: Change) -> Step {
    Step::Write(Box::new(change))
}
