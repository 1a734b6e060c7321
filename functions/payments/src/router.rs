//! `/api/v1/payments`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use orderflow_domain::{Currency, OrderId, Timestamp};
use orderflow_http::{PathParam, Problem, ProblemKind, QueryParams};
use orderflow_store::{Store, Table};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::PaymentGateway;
use crate::refund::Refunds;
use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};

/// The routes of payments. Refunds that were given up are tried again through `gateway`.
pub fn router(store: &Store, gateway: Arc<dyn PaymentGateway>) -> OpenApiRouter {
    let listing = OpenApiRouter::new().routes(routes!(list)).with_state(store.table(&PAYMENTS));
    let refunds = OpenApiRouter::new().routes(routes!(refund)).with_state(Refunds::new(store, gateway));
    listing.merge(refunds)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The order that was to be paid.
    #[param(value_type = OrderId, inline)]
    order_id: String,
}

/// The payments of an order.
#[derive(Serialize, ToSchema)]
struct PaymentList {
    payments: Vec<PaymentView>,
}

/// A payment.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentView {
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

/// The payment of an order
///
/// None where nothing was charged or refused yet.
#[utoipa::path(
    get,
    path = "/api/v1/payments",
    tag = "payments",
    operation_id = "listPayments",
    params(ListQuery),
    responses((status = 200, description = "None or one", body = PaymentList))
)]
async fn list(
    State(table): State<Table>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<PaymentList>, Problem> {
    let order_id = OrderId::parse(&query.order_id)
        .map_err(|error| Problem::invalid_field("order_id", error.to_string()))?;
    let key = table.key(order_id.to_string());
    let found: Option<PaymentRecord> = table.get(key).await.map_err(Problem::unavailable)?;
    Ok(Json(PaymentList { payments: found.into_iter().map(PaymentView::from).collect() }))
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
