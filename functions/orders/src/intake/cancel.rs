//! `DELETE /orders/{id}`.

use axum::Json;
use axum::extract::State;
use orderflow_domain::{CancellationReason, Fact, OrderId, OrderStatus, Step, Timestamp};
use orderflow_http::{PathParam, Problem, ProblemKind};
use orderflow_store::{Outbox, WriteError, optimistic_attempts};

use super::Intake;
use super::view::OrderView;
use crate::record::OrderRecord;
use crate::timeline::TimelineEntry;

const ATTEMPTS: u32 = 8;

/// Cancel an order
///
/// As long as it is neither confirmed nor rejected; one that the customer cancelled before is answered again. What was reserved and
/// charged for it is given back.
#[utoipa::path(
    delete,
    path = "/api/v1/orders/{id}",
    tag = "orders",
    operation_id = "cancelOrder",
    params(("id" = OrderId, Path)),
    responses((status = 200, description = "The order, cancelled", body = OrderView)),
    extensions(("x-problems" = json!([ProblemKind::OrderNotCancellable])))
)]
pub(crate) async fn cancel(
    State(intake): State<Intake>,
    PathParam(id): PathParam<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    let mut attempts = optimistic_attempts(ATTEMPTS);
    while attempts.next().await {
        let record =
            intake.orders.get(id).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)?;
        if let Some(record) = intake.try_to_cancel(record).await? {
            return Ok(Json(record.into()));
        }
    }
    Err(Problem::unavailable("others keep changing the order"))
}

impl Intake {
    /// None where somebody else changed the order meanwhile.
    async fn try_to_cancel(&self, mut record: OrderRecord) -> Result<Option<OrderRecord>, Problem> {
        let mut state = record.state().map_err(Problem::unavailable)?;
        let Step::Ended(event_type) = state.apply(Fact::Cancelled(CancellationReason::Customer)) else {
            return match state.status {
                OrderStatus::Cancelled(CancellationReason::Customer) => Ok(Some(record)),
                other => Err(Problem::new(
                    ProblemKind::OrderNotCancellable,
                    format!("The order is {other} and cannot be cancelled any more."),
                )),
            };
        };
        let now = Timestamp::now();
        record.timeline.push(TimelineEntry::own(event_type, now, state.status.reason()));
        let read = record.advance(&state, now);
        let write =
            self.orders.replace(&record, read, &Outbox::of(event_type)).map_err(Problem::unavailable)?;
        match self.orders.write(write).await {
            Ok(()) => {
                tracing::info!(
                    service = "order-intake",
                    order.id = %record.id,
                    event.r#type = event_type.as_str(),
                    trace.id = record.trace_id(),
                    "the order is cancelled by the customer"
                );
                Ok(Some(record))
            }
            Err(WriteError::ConditionFailed(_)) => Ok(None),
            Err(WriteError::Store(error)) => Err(Problem::unavailable(error)),
        }
    }
}
