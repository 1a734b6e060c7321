//! The routes below `/api/v1/payments`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use orderflow_domain::{Currency, OrderId, Timestamp};
use orderflow_http::{FieldErrors, Limit, PageCursor, PathParam, Problem, ProblemKind, QueryParams};
use orderflow_store::{Cursor, Listing, Store, StoreError, Table, TimeKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::PaymentGateway;
use crate::refund::FailedRefunds;
use crate::table::{Dispute, LISTED, PAYMENTS, PaymentRecord, PaymentStatus};

/// The listing that a cursor belongs to.
const LISTING: &str = "payments?status=refund_failed";

/// Returns the routes of payments. Failed refunds are retried through `gateway`.
pub fn router(store: &Store, gateway: Arc<dyn PaymentGateway>) -> OpenApiRouter {
    let listing = OpenApiRouter::new().routes(routes!(list)).with_state(store.table(&PAYMENTS));
    let refunds =
        OpenApiRouter::new().routes(routes!(retry_refund)).with_state(FailedRefunds::new(store, gateway));
    listing.merge(refunds)
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
    /// The provider's id of the charge; null if there is no charge.
    #[schema(required = true)]
    provider_id: Option<String>,
    /// The dispute about the charge. Absent unless the customer's bank opened one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dispute: Option<Dispute>,
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
            dispute: record.dispute,
            created_at: record.created_at,
        }
    }
}

/// The statuses that payments can be listed by: those that need an operator.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ListedStatus {
    RefundFailed,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Returns the payment of this order. Exactly one of `order_id` and `status` is required.
    #[param(value_type = Option<OrderId>, inline)]
    order_id: Option<String>,
    /// Returns the payments with this status.
    #[param(value_type = Option<ListedStatus>, inline)]
    status: Option<String>,
    /// The largest number of payments to return.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the previous page.
    #[serde(default)]
    #[param(inline)]
    cursor: PageCursor,
}

/// The payments to return.
enum Selection {
    /// The payment of an order.
    Order(OrderId),
    /// The payments whose refund failed, after a position.
    RefundFailed { after: Option<String> },
}

impl ListQuery {
    fn parse(&self) -> Result<Selection, Problem> {
        let mut errors = FieldErrors::default();
        let order_id = self.order_id.as_ref().map(|text| errors.parse("order_id", || OrderId::parse(text)));
        if self.status.as_ref().is_some_and(|status| status != PaymentStatus::RefundFailed.as_str()) {
            errors.push("status", "must be refund_failed");
        }
        errors.into_result(Some(()))?;
        match (order_id.flatten(), &self.status, self.cursor.get()) {
            (None, None, _) => Err(one_of_order_id_and_status()),
            (Some(_), Some(_), _) => {
                let message = "must not be combined with order_id";
                Err(Problem::refused_field(ProblemKind::InvalidCombination, "status", message))
            }
            (Some(_), None, Some(_)) => Err(Problem::invalid_cursor()),
            (Some(order_id), None, None) => Ok(Selection::Order(order_id)),
            (None, Some(_), _) => {
                let after = self.cursor.position(|text| Cursor::decode(text, LISTING))?;
                Ok(Selection::RefundFailed { after })
            }
        }
    }
}

fn one_of_order_id_and_status() -> Problem {
    let mut errors = FieldErrors::default();
    errors.push("order_id", "is required without status");
    errors.push("status", "is required without order_id");
    Problem::refused(ProblemKind::InvalidCombination, errors)
}

/// A page of payments.
#[derive(Serialize, ToSchema)]
struct PaymentList {
    /// Newest first.
    payments: Vec<PaymentView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List payments
///
/// Returns the payment of an order, or none if nothing was charged or refused yet; or the payments whose refund failed, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/payments",
    tag = "payments",
    operation_id = "listPayments",
    params(ListQuery),
    responses((status = 200, description = "A page of payments", body = PaymentList)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCombination, ProblemKind::InvalidCursor])))
)]
async fn list(
    State(table): State<Table>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<PaymentList>, Problem> {
    let listed = match query.parse()? {
        Selection::Order(order_id) => payment_of(&table, order_id).await,
        Selection::RefundFailed { after } => failed_refunds(&table, after, query.limit).await,
    };
    listed.map(Json).map_err(Problem::unavailable)
}

async fn payment_of(table: &Table, order_id: OrderId) -> Result<PaymentList, StoreError> {
    let found: Option<PaymentRecord> = table.get(table.key(order_id.to_string())).await?;
    Ok(PaymentList { payments: found.into_iter().map(PaymentView::from).collect(), next_cursor: None })
}

/// Lists failed refunds. The index holds only keys and may be behind, so the payments are read from the table.
async fn failed_refunds(
    table: &Table,
    after: Option<String>,
    limit: Limit,
) -> Result<PaymentList, StoreError> {
    let partitions = vec![PaymentStatus::RefundFailed.as_str().to_owned()];
    let listing = Listing { index: &LISTED, partitions, descending: true };
    let (positions, next) = table.page(&listing, after.as_deref(), usize::from(limit.get())).await?;
    let keys = positions.iter().filter_map(|position| {
        let key = TimeKey::parse(position);
        if key.is_none() {
            tracing::error!(position, "payment is not listed: its position is not a time and an order id");
        }
        key
    });
    let keys = keys.map(|key| table.key(key.order_id.to_string())).collect();
    let mut found: Vec<PaymentRecord> = table.get_all(keys).await?;
    found.retain(|payment| payment.status == PaymentStatus::RefundFailed);
    found.sort_unstable_by(|a, b| b.listed_at.cmp(&a.listed_at));
    Ok(PaymentList {
        payments: found.into_iter().map(PaymentView::from).collect(),
        next_cursor: next.map(|position| Cursor::new(LISTING, position).encode()),
    })
}

/// Retry a refund
///
/// Retries a refund that failed. A refund that succeeded is checked at the provider, because it can still fail days later.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{order_id}/refund",
    tag = "payments",
    operation_id = "retryRefund",
    params(("order_id" = OrderId, Path)),
    responses((status = 200, description = "The charge is refunded or voided", body = PaymentView)),
    extensions(("x-problems" = json!([ProblemKind::PaymentNotRefundable])))
)]
async fn retry_refund(
    State(refunds): State<FailedRefunds>,
    PathParam(order_id): PathParam<OrderId>,
) -> Result<Json<PaymentView>, Problem> {
    let record = refunds.retry(order_id).await?;
    Ok(Json(PaymentView::from(record)))
}
