//! `GET /payments`.

use axum::Json;
use axum::extract::State;
use orderflow_domain::OrderId;
use orderflow_http::{FieldErrors, Limit, Problem, QueryParams};
use orderflow_store::{Cursor, CursorError, Listing, StoreError, Table, TimeKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::router::PaymentView;
use crate::table::{LISTED, PaymentRecord, PaymentStatus};

/// What a cursor belongs to.
const LISTING: &str = "payments?status=refund_failed";

/// The statuses that payments are listed by: those that somebody has to see to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ListedStatus {
    RefundFailed,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The order that was to be paid. Either this or a status has to be given.
    #[param(value_type = Option<OrderId>, inline)]
    order_id: Option<String>,
    /// Only those that stand so.
    #[param(value_type = Option<ListedStatus>, inline)]
    status: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which payments to list.
enum Selection {
    /// That of an order.
    Order(OrderId),
    /// Those whose refund failed, from a position on.
    RefundFailed { after: Option<String> },
}

/// A page of payments.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentList {
    /// Newest first.
    payments: Vec<PaymentView>,
    /// Where the next page begins; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl ListQuery {
    fn parse(&self) -> Result<Selection, Problem> {
        let mut errors = FieldErrors::default();
        let selection = match (&self.order_id, &self.status) {
            (None, None) => {
                errors.push("order_id", "must be given where status is not");
                errors.push("status", "must be given where order_id is not");
                None
            }
            (Some(_), Some(_)) => {
                errors.push("status", "must not be given where order_id is");
                None
            }
            (Some(order_id), None) => {
                if self.cursor.is_some() {
                    errors.push("cursor", CursorError.to_string());
                }
                errors.parse("order_id", || OrderId::parse(order_id)).map(Selection::Order)
            }
            (None, Some(status)) => {
                if status != PaymentStatus::RefundFailed.as_str() {
                    errors.push("status", "must be refund_failed");
                }
                let decode = |text: &String| errors.parse("cursor", || Cursor::decode(text, LISTING));
                Some(Selection::RefundFailed { after: self.cursor.as_ref().and_then(decode) })
            }
        };
        errors.into_result(selection)
    }
}

/// List payments
///
/// That of an order: none where nothing was charged or refused yet. Or those whose refund failed, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/payments",
    tag = "payments",
    operation_id = "listPayments",
    params(ListQuery),
    responses((status = 200, description = "A page of payments", body = PaymentList))
)]
pub(crate) async fn list(
    State(table): State<Table>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<PaymentList>, Problem> {
    let listed = match query.parse()? {
        Selection::Order(order_id) => of_order(&table, order_id).await,
        Selection::RefundFailed { after } => refund_failed(&table, after, query.limit).await,
    };
    listed.map(Json).map_err(Problem::unavailable)
}

async fn of_order(table: &Table, order_id: OrderId) -> Result<PaymentList, StoreError> {
    let found: Option<PaymentRecord> = table.get(table.key(order_id.to_string())).await?;
    Ok(PaymentList { payments: found.into_iter().map(PaymentView::from).collect(), next_cursor: None })
}

/// The index gives keys only, and may lag: the payments themselves are read as they are now.
async fn refund_failed(
    table: &Table,
    after: Option<String>,
    limit: Limit,
) -> Result<PaymentList, StoreError> {
    let partitions = vec![PaymentStatus::RefundFailed.as_str().to_owned()];
    let listing = Listing { index: &LISTED, partitions, descending: true };
    let (positions, next) = table.page(&listing, after.as_deref(), usize::from(limit.get())).await?;
    let orders = positions.iter().filter_map(|position| Some(TimeKey::parse(position)?.order_id));
    let keys = orders.map(|order_id| table.key(order_id.to_string())).collect();
    let mut found: Vec<PaymentRecord> = table.get_all(keys).await?;
    found.retain(|payment| payment.status == PaymentStatus::RefundFailed);
    found.sort_unstable_by(|a, b| b.listed_at.cmp(&a.listed_at));
    Ok(PaymentList {
        payments: found.into_iter().map(PaymentView::from).collect(),
        next_cursor: next.map(|position| Cursor::new(LISTING, position).encode()),
    })
}
