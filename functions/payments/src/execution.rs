//! Executes a plan: calls the gateway, and has [`crate::decision`] decide about its answer.

use orderflow_bugs::is_planted;
use orderflow_domain::{OrderId, PaymentToken};
use orderflow_messaging::Outcome;

use crate::decision::{self, Decision};
use crate::gateway::{ChargeRequest, GatewayError, PaymentGateway, Reversal};
use crate::plan::{Plan, plan};
use crate::request::PaymentRequest;
use crate::table::{PaymentRecord, PaymentStatus};
use crate::update::PaymentUpdate;

/// The code of failed refunds in logs. The alarm of template.yaml looks for it.
pub const REFUND_FAILED: &str = "refund_failed";

/// Executes what an order's row and its request call for.
pub(crate) async fn execute(
    gateway: &dyn PaymentGateway,
    row: Option<&PaymentRecord>,
    request: &PaymentRequest,
) -> Decision {
    let plan = plan(row.map(PaymentRecord::state), request);
    let amount = row.map_or(request.total.amount, |row| row.amount);
    if amount == 0 && !is_planted("free-order-charged") {
        return execute_without_charge(plan, row, request);
    }
    match plan {
        Plan::Acknowledge => Decision::Finish(Outcome::Done),
        Plan::Resend => resend(row, request),
        Plan::Void => PaymentUpdate::status(row, request, PaymentStatus::Voided).into(),
        Plan::Charge(token) => charge(gateway, row, request, token).await,
        Plan::FindOrCharge(token) => match gateway.find(request.order_id).await {
            Ok(Some(found)) => decision::after_charge(row, request, found),
            Ok(None) => charge(gateway, row, request, token).await,
            Err(error) => decision::after_failed_call(&error),
        },
        Plan::Reverse => reverse(gateway, row, request).await,
    }
}

/// Executes a plan for an order with a total of 0. There is no money to move, and providers refuse such charges, so the
/// row alone decides and the gateway is not called.
fn execute_without_charge(plan: Plan<'_>, row: Option<&PaymentRecord>, request: &PaymentRequest) -> Decision {
    match plan {
        Plan::Acknowledge => Decision::Finish(Outcome::Done),
        Plan::Resend => resend(row, request),
        Plan::Charge(_) | Plan::FindOrCharge(_) => {
            PaymentUpdate::status(row, request, PaymentStatus::Completed).into()
        }
        Plan::Void | Plan::Reverse => decision::after_reversal(row, request, &Ok(Reversal::Voided)),
    }
}

fn resend(row: Option<&PaymentRecord>, request: &PaymentRequest) -> Decision {
    row.map_or(Decision::Finish(Outcome::Done), |row| PaymentUpdate::resend(row, request).into())
}

async fn charge(
    gateway: &dyn PaymentGateway,
    row: Option<&PaymentRecord>,
    request: &PaymentRequest,
    token: Option<&PaymentToken>,
) -> Decision {
    let has_new_key = request.attempt > 1 && is_planted("retried-charge-has-new-key");
    let order_id = if has_new_key { OrderId::generate() } else { request.order_id };
    let charge = ChargeRequest { order_id, amount: request.total.clone(), token: token.cloned() };
    match gateway.charge(&charge).await {
        Ok(charge) => decision::after_charge(row, request, charge),
        // Most charges whose answer was lost are found at once under the order's key.
        Err(error @ GatewayError::Unknown(_)) => match gateway.find(request.order_id).await {
            Ok(Some(found)) => decision::after_charge(row, request, found),
            Ok(None) | Err(_) => decision::after_unknown_charge(row, request, &error),
        },
        Err(error) => decision::after_failed_call(&error),
    }
}

async fn reverse(
    gateway: &dyn PaymentGateway,
    row: Option<&PaymentRecord>,
    request: &PaymentRequest,
) -> Decision {
    let amount = row.map_or_else(|| request.total.clone(), PaymentRecord::total);
    let answer = gateway.reverse(request.order_id, &amount).await;
    let answer = answer.and_then(|reversal| decision::check_reversal(row, reversal));
    if let Err(error) = &answer
        && decision::gives_up(error, request)
    {
        report_failed_refund(request.order_id, request.trace_id(), error);
    }
    decision::after_reversal(row, request, &answer)
}

/// Logs and counts a refund that failed and that an operator must retry with `orderflow payment refund`.
pub(crate) fn report_failed_refund(order_id: OrderId, trace_id: Option<&str>, error: &GatewayError) {
    tracing::error!(
        order.id = %order_id,
        trace.id = trace_id,
        error.code = REFUND_FAILED,
        %error,
        "refund failed"
    );
    metrics::counter!("refunds_failed_total").increment(1);
}
