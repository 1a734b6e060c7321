//! `order-intake`: the HTTP API of orders, `/api/v1/orders`.

mod cancel;
mod list;
mod place;
mod request;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orderflow_catalog::{Catalog, warmup_router};
use orderflow_domain::OrderId;
use orderflow_http::{PathParam, Problem};
use orderflow_store::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::repository::Orders;
use crate::table::OrderRecord;

/// The state of the routes.
#[derive(Clone)]
pub(crate) struct Intake {
    orders: Orders,
    catalog: Catalog,
}

/// Returns the routes of orders, and the route that fills the cache of `catalog`, which supplies the prices of new orders.
pub fn router(store: &Store, catalog: Catalog) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::list, place::place))
        .routes(routes!(read, cancel::cancel))
        .routes(routes!(events))
        .with_state(Intake { orders: Orders::new(store), catalog: catalog.clone() })
        .merge(warmup_router(catalog))
}

impl Intake {
    async fn order(&self, id: OrderId) -> Result<OrderRecord, Problem> {
        self.orders.get(id).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)
    }
}

/// Read an order
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}",
    tag = "orders",
    operation_id = "readOrder",
    params(
        ("id" = OrderId, Path),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of the version that the client has."),
    ),
    responses(
        (status = 200, description = "The order", body = view::OrderView,
            headers(("etag" = String, description = "The version of the order."))),
        (status = 304, description = "The order has not changed since the version that the client has",
            headers(("etag" = String, description = "The version of the order."))),
    )
)]
async fn read(
    State(intake): State<Intake>,
    PathParam(id): PathParam<OrderId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let order = intake.order(id).await?;
    let etag = format!("\"{}\"", order.version);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|tag| matches(tag.trim(), &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], Json(view::OrderView::from(order))).into_response())
}

/// Compares entity tags weakly, as RFC 9110 section 13.1.2 requires for If-None-Match.
fn matches(tag: &str, etag: &str) -> bool {
    tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
}

/// List the events of an order
///
/// The order's own events and the reports of inventory and payments, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}/events",
    tag = "orders",
    operation_id = "listOrderEvents",
    params(("id" = OrderId, Path)),
    responses((status = 200, description = "The events of the order", body = view::Timeline))
)]
async fn events(
    State(intake): State<Intake>,
    PathParam(id): PathParam<OrderId>,
) -> Result<Json<view::Timeline>, Problem> {
    Ok(Json(view::Timeline::from(intake.order(id).await?)))
}
