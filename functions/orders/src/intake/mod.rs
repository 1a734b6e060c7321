//! `order-intake`: `/api/v1/orders`.

mod body;
mod cancel;
mod list;
mod place;
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

#[derive(Clone)]
pub(crate) struct Intake {
    orders: Orders,
    catalog: Catalog,
}

/// The routes of orders, and the one that warms up `catalog`, which their prices come from.
pub fn router(store: &Store, catalog: Catalog) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::list, place::place))
        .routes(routes!(read, cancel::cancel))
        .routes(routes!(events))
        .with_state(Intake { orders: Orders::new(store), catalog: catalog.clone() })
        .merge(warmup_router(catalog))
}

/// An order as it is now
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}",
    tag = "orders",
    operation_id = "readOrder",
    params(
        ("id" = OrderId, Path),
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of the order as it is known."),
    ),
    responses(
        (status = 200, description = "The order", body = view::OrderView,
            headers(("etag" = String, description = "Changes with the order."))),
        (status = 304, description = "The order is still as it is known",
            headers(("etag" = String, description = "Changes with the order."))),
    )
)]
async fn read(
    State(intake): State<Intake>,
    PathParam(id): PathParam<OrderId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = intake.orders.get(id).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)?;
    let etag = format!("\"{}\"", record.version);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|tag| matches(tag.trim(), &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], Json(view::OrderView::from(record))).into_response())
}

/// Weak comparison, as RFC 9110 section 13.1.2 asks for If-None-Match.
fn matches(tag: &str, etag: &str) -> bool {
    tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
}

/// What happened to an order
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}/events",
    tag = "orders",
    operation_id = "listOrderEvents",
    params(("id" = OrderId, Path)),
    responses((status = 200, description = "What happened", body = view::Timeline))
)]
async fn events(
    State(intake): State<Intake>,
    PathParam(id): PathParam<OrderId>,
) -> Result<Json<view::Timeline>, Problem> {
    let record = intake.orders.get(id).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)?;
    Ok(Json(view::Timeline::from(record)))
}
