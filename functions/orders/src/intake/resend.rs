//! `POST /orders/{id}/resend`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use orderflow_domain::{OrderId, Timestamp};
use orderflow_http::{EntityTag, PathParam, Problem};
use orderflow_store::{WriteError, optimistic_attempts};

use super::Intake;
use super::view::OrderView;
use crate::table::OrderRecord;
use crate::transition::{Change, Transition};

/// The most attempts at a resend that other writers overtake.
const ATTEMPTS_MAX: u32 = 8;

/// Restart an order from where it stands
///
/// Emits the event again that an open order waits for an answer to, as `order-expiry` does for an order that makes no progress. What is done
/// already is recognised and not repeated. A settled order is returned as it is, with 200.
#[utoipa::path(
    post,
    path = "/api/v1/orders/{id}/resend",
    tag = "orders",
    operation_id = "resendOrder",
    params(("id" = OrderId, Path)),
    responses(
        (status = 200, description = "The order is settled: there is nothing to resend", body = OrderView,
            headers(("etag" = String, description = "The version of the order."))),
        (status = 202, description = "The event is emitted again", body = OrderView,
            headers(("etag" = String, description = "The version of the order."))),
    )
)]
pub(crate) async fn resend(
    State(intake): State<Intake>,
    PathParam(id): PathParam<OrderId>,
) -> Result<(StatusCode, EntityTag, Json<OrderView>), Problem> {
    let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
    while attempts.next().await {
        let order = intake.order(id).await?;
        let resent = Transition::of(&order, [Change::Resend], Timestamp::now());
        let Some(transition) = resent.map_err(Problem::unavailable)? else {
            return Ok((StatusCode::OK, EntityTag::of(order.version), Json(order.into())));
        };
        if let Some(resent) = intake.try_to_resend(transition).await? {
            return Ok((StatusCode::ACCEPTED, EntityTag::of(resent.version), Json(resent.into())));
        }
    }
    Err(Problem::unavailable("other writers keep changing the order"))
}

impl Intake {
    /// Writes a resend. Returns the order, or `None` when another writer changed it between the read and the write.
    async fn try_to_resend(&self, transition: Transition) -> Result<Option<OrderRecord>, Problem> {
        match self.orders.replace(&transition).await {
            Ok(()) => {
                tracing::info!(
                    service = "order-intake",
                    order.id = %transition.record.id,
                    event.r#type = transition.event_type.as_str(),
                    trace.id = transition.record.trace_id(),
                    resends = transition.record.resends,
                    "order resent by an operator"
                );
                Ok(Some(transition.record))
            }
            Err(WriteError::ConditionFailed(_)) => Ok(None),
            Err(WriteError::Store(error)) => Err(Problem::unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Fact, OrderId};

    use crate::harness::{OrdersHarness, report};

    #[tokio::test]
    async fn an_open_order_emits_its_event_again_each_time() {
        let harness = OrdersHarness::open().await;
        let id = harness.place().await;
        for resends in 1..=2 {
            let (status, order) = harness.resend(id).await;
            assert_eq!((status, &order["status"]), (202, &"pending".into()), "{order}");
            assert_eq!(harness.outbox(id).await, format!("order.placed@{resends}"));
        }
        harness.deliver_all(&[report(id, Fact::Declined)]).await;
        assert_eq!(harness.resend(id).await.0, 202);
        assert_eq!(
            harness.outbox(id).await,
            "order.rejected@3",
            "what a refused order reserved is not released yet"
        );
    }

    #[tokio::test]
    async fn a_settled_order_is_returned_as_it_is() {
        let harness = OrdersHarness::open().await;
        let id = harness.place().await;
        harness.deliver_all(&[report(id, Fact::Reserved), report(id, Fact::Paid)]).await;
        let before = harness.order(id).await;
        let (status, order) = harness.resend(id).await;
        assert_eq!((status, &order["status"]), (200, &"confirmed".into()), "{order}");
        assert_eq!(harness.order(id).await, before);
        assert_eq!(harness.resend(OrderId::generate()).await.0, 404);
    }
}
