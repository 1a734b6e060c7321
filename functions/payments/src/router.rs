//! `/api/v1/payments`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use orderflow_domain::{Currency, OrderId, Timestamp};
use orderflow_http::{PathParam, Problem, ProblemKind};
use orderflow_store::Store;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::PaymentGateway;
use crate::list;
use crate::refund::Refunds;
use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};

/// The routes of payments. Refunds that were given up are tried again through `gateway`.
pub fn router(store: &Store, gateway: Arc<dyn PaymentGateway>) -> OpenApiRouter {
    let listing = OpenApiRouter::new().routes(routes!(list::list)).with_state(store.table(&PAYMENTS));
    let refunds = OpenApiRouter::new().routes(routes!(refund)).with_state(Refunds::new(store, gateway));
    listing.merge(refunds)
}

/// A payment.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentView {
    order_id: OrderId,
    status: PaymentStatus,
    /// Minor units (cents).
    amount: i64,
    currency: Currency,
    /// The provider's id of the charge; null where there is none.
    #[schema(required = true)]
    provider_id: Option<String>,
    created_at: Timestamp,
}

impl From<PaymentRecord> for PaymentView {
    fn from(record: PaymentRecord) -> Self {
        Self {
            order_id: record.order_id,
            status: record.status,
            amount: record.amount,
            currency: record.currency,
            provider_id: record.provider_id,
            created_at: record.created_at,
        }
    }
}

/// Try again to give back what could not be given back
///
/// What was given back is looked at again at the provider: a refund can fail days after it was taken.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{order_id}/refund",
    tag = "payments",
    operation_id = "retryRefund",
    params(("order_id" = OrderId, Path)),
    responses((status = 200, description = "Nothing of the charge is left", body = PaymentView)),
    extensions(("x-problems" = json!([ProblemKind::PaymentNotRefundable])))
)]
async fn refund(
    State(refunds): State<Refunds>,
    PathParam(order_id): PathParam<OrderId>,
) -> Result<Json<PaymentView>, Problem> {
    let record = refunds.retry(order_id).await?;
    Ok(Json(PaymentView::from(record)))
}
