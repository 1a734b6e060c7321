//! `/api/v1/payments`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use orderflow_domain::{Currency, OrderId, Timestamp};
use orderflow_http::{PathParam, Problem, QueryParams};
use orderflow_store::{Store, Table};
use serde::{Deserialize, Serialize};

use crate::gateway::PaymentGateway;
use crate::refund::Refunds;
use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};

/// The routes of payments. Refunds that were given up are tried again through `gateway`.
pub fn router(store: &Store, gateway: Arc<dyn PaymentGateway>) -> Router {
    let listing = Router::new().route("/api/v1/payments", get(list)).with_state(store.table(&PAYMENTS));
    let refunds = Router::new()
        .route("/api/v1/payments/{order_id}/refund", post(refund))
        .with_state(Refunds::new(store, gateway));
    listing.merge(refunds)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    order_id: String,
}

#[derive(Serialize)]
struct PaymentList {
    payments: Vec<PaymentView>,
}

#[derive(Serialize)]
struct PaymentView {
    order_id: OrderId,
    status: PaymentStatus,
    amount: i64,
    currency: Currency,
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

async fn refund(
    State(refunds): State<Refunds>,
    PathParam(order_id): PathParam<OrderId>,
) -> Result<Json<PaymentView>, Problem> {
    let record = refunds.retry(order_id).await?;
    Ok(Json(PaymentView::from(record)))
}
