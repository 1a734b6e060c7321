//! Carries a plan out at the gateway, and says what the row becomes of it.

use std::time::Duration;

use orderflow_domain::PaymentToken;

use crate::change::Change;
use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};
use crate::plan::{Plan, plan};
use crate::table::{PaymentRecord, PaymentStatus};
use crate::work::Work;

/// Over how long those come back, at the least, that are put off for a moment only.
const SHORTEST_SPREAD: Duration = Duration::from_millis(250);

/// What is left to do for an order once the gateway has done its part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Nothing,
    /// To come again, for this reason.
    Retry(String),
    /// To come again after this long, without an attempt being counted: the gateway was not asked.
    Defer(String, Duration),
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
        Plan::Leave => Step::Nothing,
        Plan::TellAgain => row.map_or(Step::Nothing, |row| write(Change::told_again(row, work))),
        Plan::Void => write(Change::moved(row, work, PaymentStatus::Voided)),
        Plan::Charge(token) => charge(gateway, row, work, token).await,
        Plan::FindOrCharge(token) => match gateway.find(work.order_id).await {
            Ok(Some(known)) => charged(row, work, known),
            Ok(None) => charge(gateway, row, work, token).await,
            Err(error) => again(&error),
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
                Ok(None) | Err(_) if row.is_some() => again(&error),
                Ok(None) | Err(_) => write(Change::moved(row, work, PaymentStatus::Claimed)),
            }
        }
        Err(error) => again(&error),
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
        Charge::CalledOff => Step::Nothing,
    }
}

async fn undo(gateway: &dyn PaymentGateway, row: Option<&PaymentRecord>, work: &Work) -> Step {
    let amount = row.map_or_else(|| work.total.clone(), PaymentRecord::total);
    match gateway.undo(work.order_id, &amount).await {
        Ok(Undone::Refunded { provider_id }) => {
            write(Change::moved(row, work, PaymentStatus::Refunded).with_provider_id(provider_id))
        }
        Ok(Undone::Voided) => voided(row, work),
        Err(error) => not_undone(row, work, &error),
    }
}

fn not_undone(row: Option<&PaymentRecord>, work: &Work, error: &GatewayError) -> Step {
    let put_off = put_off(error);
    // The last attempt is not used up while nobody asks the gateway.
    if work.last_attempt && put_off.is_none() {
        return given_up(row, work, error);
    }
    if is_noted(row) {
        return again(error);
    }
    // Whoever asks for the charge meanwhile must meet the refusal.
    write(Change::moved(row, work, PaymentStatus::Claimed).put_off(put_off))
}

/// Whether the row keeps the order from being charged from now on.
fn is_noted(row: Option<&PaymentRecord>) -> bool {
    row.is_some_and(|row| row.refused || row.status != PaymentStatus::Claimed)
}

fn voided(row: Option<&PaymentRecord>, work: &Work) -> Step {
    match row {
        Some(row) if row.status == PaymentStatus::Voided && work.redrive.is_some() => {
            write(Change::told_again(row, work))
        }
        Some(row) if row.status == PaymentStatus::Voided => Step::Nothing,
        _ => write(Change::moved(row, work, PaymentStatus::Voided)),
    }
}

/// Nobody will ask again, and nobody may be told that the charge is undone: the row keeps it in sight.
fn given_up(row: Option<&PaymentRecord>, work: &Work, error: &GatewayError) -> Step {
    tracing::error!(
        order.id = %work.order_id,
        trace.id = work.trace_id(),
        %error,
        "the charge could not be undone at the last attempt"
    );
    match row {
        Some(row) if row.status == PaymentStatus::RefundFailed => Step::Nothing,
        _ => write(Change::moved(row, work, PaymentStatus::RefundFailed)),
    }
}

fn again(error: &GatewayError) -> Step {
    match put_off(error) {
        Some(after) => Step::Defer(error.to_string(), after),
        None => Step::Retry(error.to_string()),
    }
}

/// How long to put an order off whose call was not made. Spread, so that not all that were put off come back in the same instant.
fn put_off(error: &GatewayError) -> Option<Duration> {
    let GatewayError::Open { retry_after } = error else {
        return None;
    };
    let spread = (*retry_after / 2).max(SHORTEST_SPREAD);
    Some(*retry_after + spread.mul_f64(fastrand::f64()))
}

fn write(change: Change) -> Step {
    Step::Write(Box::new(change))
}
