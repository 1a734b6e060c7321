//! `DELETE /orders/{id}`.

use axum::Json;
use axum::extract::State;
use orderflow_bugs::is_planted;
use orderflow_domain::{CancellationReason, Fact, OrderId, OrderStatus, Timestamp};
use orderflow_http::{EntityTag, IfMatch, OrderAccess, PathParam, Problem, ProblemKind};
use orderflow_store::{WriteError, optimistic_attempts};

use super::Intake;
use super::view::OrderView;
use crate::table::OrderRecord;
use crate::transition::{Change, Transition};

/// The most attempts at a cancellation that other writers overtake.
const ATTEMPTS_MAX: u32 = 8;

/// Cancel an order
///
/// Cancels an order that is neither confirmed nor rejected. Its reserved units are released, and its payment is voided or refunded. Cancelling
/// an order again that the customer has cancelled returns the order.
#[utoipa::path(
    delete,
    path = "/api/v1/orders/{id}",
    tag = "orders",
    operation_id = "cancelOrder",
    params(("id" = OrderId, Path), IfMatch),
    responses((status = 200, description = "The cancelled order", body = OrderView,
        headers(("etag" = String, description = "The version of the order.")))),
    extensions(("x-problems" = json!([ProblemKind::OrderNotCancellable])))
)]
pub(crate) async fn cancel(
    State(intake): State<Intake>,
    access: OrderAccess,
    PathParam(id): PathParam<OrderId>,
    if_match: IfMatch,
) -> Result<(EntityTag, Json<OrderView>), Problem> {
    let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
    while attempts.next().await {
        let order = intake.readable_order(id, &access).await?;
        if !access.may_change(order.customer_id.as_str()) {
            let detail = "The token may read this order, and may not cancel it.";
            return Err(Problem::new(ProblemKind::Forbidden, detail));
        }
        if_match.check(Some(&EntityTag::of(order.version)))?;
        if let Some(cancelled) = intake.try_to_cancel(order).await? {
            return Ok((EntityTag::of(cancelled.version), Json(cancelled.into())));
        }
    }
    Err(Problem::unavailable("other writers keep changing the order"))
}

impl Intake {
    /// Cancels an order as it was read. Returns the order, or `None` when another writer changed it between the read and the write.
    async fn try_to_cancel(&self, order: OrderRecord) -> Result<Option<OrderRecord>, Problem> {
        let cancellation = Change::Decided(Fact::Cancelled(CancellationReason::Customer));
        let transition = Transition::of(&order, [cancellation], Timestamp::now());
        let Some(transition) = transition.map_err(Problem::unavailable)? else {
            return match order.state().map_err(Problem::unavailable)?.status {
                OrderStatus::Cancelled(CancellationReason::Customer) => Ok(Some(order)),
                other => Err(Problem::new(
                    ProblemKind::OrderNotCancellable,
                    format!("The order is {other} and can no longer be cancelled."),
                )),
            };
        };
        match self.orders.replace(&transition).await {
            Ok(()) => {
                tracing::info!(
                    service = "order-intake",
                    order.id = %order.id,
                    event.r#type = transition.event_type.as_str(),
                    trace.id = order.trace_id(),
                    "order cancelled by the customer"
                );
                Ok(Some(transition.record))
            }
            Err(WriteError::ConditionFailed(_)) if is_planted("cancellation-lost-in-a-race") => {
                Ok(Some(transition.record))
            }
            Err(WriteError::ConditionFailed(_)) => Ok(None),
            Err(WriteError::Store(error)) => Err(Problem::unavailable(error)),
        }
    }
}
