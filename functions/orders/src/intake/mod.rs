//! `order-intake`: the HTTP API of orders, `/api/v1/orders`.

mod cancel;
mod list;
mod place;
mod request;
mod resend;
mod timeline_order;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use orderflow_catalog::{Catalog, warmup_router};
use orderflow_domain::{ChargeRules, OrderId};
use orderflow_http::{EntityTag, IfNoneMatch, OrderAccess, PathParam, Problem};
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
    charge_rules: ChargeRules,
}

/// Returns the routes of orders, and the route that fills the cache of `catalog`, which supplies the prices of new orders. A total that
/// the payment provider never charges by `charge_rules` is refused.
pub fn router(store: &Store, catalog: Catalog, charge_rules: ChargeRules) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::list, place::place))
        .routes(routes!(read, cancel::cancel))
        .routes(routes!(events))
        .routes(routes!(resend::resend))
        .with_state(Intake { orders: Orders::new(store), catalog: catalog.clone(), charge_rules })
        .merge(warmup_router(catalog))
}

impl Intake {
    async fn order(&self, id: OrderId) -> Result<OrderRecord, Problem> {
        self.orders.get(id).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)
    }

    /// Returns an order that the caller may read. The order of another customer is 404, so that a caller cannot find out which orders exist.
    async fn readable_order(&self, id: OrderId, access: &OrderAccess) -> Result<OrderRecord, Problem> {
        let order = self.order(id).await?;
        if access.may_read(order.customer_id.as_str()) { Ok(order) } else { Err(Problem::not_found()) }
    }
}

/// Read an order
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}",
    tag = "orders",
    operation_id = "readOrder",
    params(("id" = OrderId, Path), IfNoneMatch),
    responses(
        (status = 200, description = "The order", body = view::OrderView,
            headers(("etag" = String, description = "The version of the order."))),
        (status = 304, description = "The order has not changed since the version that the client has",
            headers(("etag" = String, description = "The version of the order."))),
    )
)]
async fn read(
    State(intake): State<Intake>,
    access: OrderAccess,
    PathParam(id): PathParam<OrderId>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Problem> {
    let order = intake.readable_order(id, &access).await?;
    let etag = EntityTag::of(order.version);
    if if_none_match.has(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    Ok((etag, Json(view::OrderView::from(order))).into_response())
}

/// List the events of an order
///
/// The order's own events and the reports of inventory and payments, in the order in which they happened: by time, but an event never stands before its cause, also if a clock was set back.
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
    access: OrderAccess,
    PathParam(id): PathParam<OrderId>,
) -> Result<Json<view::Timeline>, Problem> {
    Ok(Json(view::Timeline::from(intake.readable_order(id, &access).await?)))
}
