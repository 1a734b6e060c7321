//! `GET /orders`.

use axum::Json;
use axum::extract::State;
use orderflow_domain::{CustomerId, OrderStatus, Sku, requested_customer_id};
use orderflow_http::{FieldErrors, Limit, OrderAccess, PageCursor, Problem, ProblemKind, QueryParams};
use orderflow_store::{Cursor, CursorError, TimeKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Intake;
use super::view::OrderView;
use crate::repository::{Filter, status_name};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only orders of this customer.
    #[param(schema_with = requested_customer_id, required = false)]
    customer_id: Option<String>,
    /// Only orders in this status.
    #[param(value_type = Option<OrderStatus>, inline)]
    status: Option<String>,
    /// Only orders with a line of this sku.
    #[param(value_type = Option<Sku>, inline)]
    sku: Option<String>,
    /// The most orders on the page.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the previous page.
    #[serde(default)]
    #[param(inline)]
    cursor: PageCursor,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderList {
    /// Newest first.
    orders: Vec<OrderView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl ListQuery {
    fn parse(&self, access: &OrderAccess) -> Result<(Filter, Option<TimeKey>), Problem> {
        let mut errors = FieldErrors::default();
        let mut filter = Filter::default();
        if let Some(text) = &self.customer_id {
            filter.customer_id = errors.parse("customer_id", || CustomerId::parse(text));
        }
        if let Some(text) = &self.sku {
            filter.sku = errors.parse("sku", || Sku::parse(text));
        }
        if let Some(text) = &self.status {
            filter.status = status_name(text);
            if filter.status.is_none() {
                errors.push("status", "must be pending, reserved, confirmed, rejected or cancelled");
            }
        }
        if let Some(own) = access.only_customer() {
            filter.customer_id = Some(own_customer(filter.customer_id, own)?);
        }
        let listing = filter.listing_name();
        let position = |text: &str| TimeKey::parse(&Cursor::decode(text, &listing)?).ok_or(CursorError);
        errors.into_result(Some(()))?;
        let after = self.cursor.position(position)?;
        Ok((filter, after))
    }
}

/// Returns the customer of a listing by a caller that may read only its own orders.
fn own_customer(asked: Option<CustomerId>, own: &str) -> Result<CustomerId, Problem> {
    let customer = CustomerId::parse(own).ok().filter(|own| asked.is_none_or(|asked| asked == *own));
    let detail = "The token may list only the orders of its own subject.";
    customer.ok_or_else(|| Problem::new(ProblemKind::Forbidden, detail))
}

/// List orders
///
/// Newest first. Filters by customer, status and sku can be combined.
#[utoipa::path(
    get,
    path = "/api/v1/orders",
    tag = "orders",
    operation_id = "listOrders",
    params(ListQuery),
    responses((status = 200, description = "A page of orders", body = OrderList)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
pub(crate) async fn list(
    State(intake): State<Intake>,
    access: OrderAccess,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<OrderList>, Problem> {
    let (filter, after) = query.parse(&access)?;
    let limit = usize::from(query.limit.get());
    let page = intake.orders.list(&filter, after, limit).await.map_err(Problem::unavailable)?;
    let next_cursor = page.next.map(|after| Cursor::new(filter.listing_name(), after.to_string()).encode());
    Ok(Json(OrderList { orders: page.orders.into_iter().map(OrderView::from).collect(), next_cursor }))
}
