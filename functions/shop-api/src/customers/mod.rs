//! `/api/v1/customers`: the personal data of a customer in all services and queues.

mod erasure;
mod export;
mod forget;
mod messages;
mod position;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use orderflow_domain::{CustomerId, OrderId, requested_customer_id};
use orderflow_http::{FieldErrors, PageCursor, PathParam, Problem, ProblemKind, QueryParams};
use orderflow_inventory::PersonalReservations;
use orderflow_messaging::QueueAdmin;
use orderflow_notifications::{PersonalNotification, PersonalNotifications};
use orderflow_orders::{PersonalOrder, PersonalOrders};
use orderflow_payments::PersonalPayments;
use orderflow_store::{Backend, Store, StoreError, TimeKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use erasure::Erasure;

/// The most orders that one call handles.
const ORDERS_PER_CALL: usize = 25;

/// Everything that has personal data.
#[derive(Clone)]
struct Customers {
    orders: PersonalOrders,
    payments: PersonalPayments,
    reservations: PersonalReservations,
    notifications: PersonalNotifications,
    queues: Arc<dyn QueueAdmin>,
    /// Keeps former values in the records of its streams.
    backend: Arc<dyn Backend>,
    /// Erases former values in freed space and in logs.
    erasure: Erasure,
}

/// Returns the routes of customers, without fallbacks.
pub fn customers_router(store: &Store, queues: Arc<dyn QueueAdmin>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(export_customer, forget_customer))
        .routes(routes!(export_customer_with, forget_customer_with))
        .with_state(Customers {
            orders: PersonalOrders::new(store),
            payments: PersonalPayments::new(store),
            reservations: PersonalReservations::new(store),
            notifications: PersonalNotifications::new(store),
            queues,
            backend: Arc::clone(store.backend()),
            erasure: Erasure::of(Arc::clone(store.backend())),
        })
}

/// A page of a customer's orders with the addresses in it.
struct OrderPage {
    orders: Vec<PersonalOrder>,
    /// The position after which the next page begins.
    next: Option<TimeKey>,
    /// The addresses that no later page has: requested notifications are searched for them.
    last_seen: BTreeSet<String>,
    /// All addresses in the page.
    addresses: BTreeSet<String>,
}

impl Customers {
    async fn page(&self, customer: &CustomerId, after: Option<TimeKey>) -> Result<OrderPage, StoreError> {
        let (orders, next) = self.orders.page(customer, after, ORDERS_PER_CALL).await?;
        let addresses = addresses_in(&orders);
        // A customer with many orders usually has one address: the whole table is read once for it, not once for each page.
        let later = match next {
            Some(next) => addresses_in(&self.orders.page(customer, Some(next), ORDERS_PER_CALL).await?.0),
            None => BTreeSet::new(),
        };
        let last_seen = addresses.difference(&later).cloned().collect();
        Ok(OrderPage { orders, next, last_seen, addresses })
    }

    /// Returns a page of requested notifications to these addresses or about orders of this customer, and where the next page begins.
    async fn requests(
        &self,
        customer: &CustomerId,
        addresses: &BTreeSet<String>,
        from: Option<(String, String)>,
    ) -> Result<(Vec<PersonalNotification>, Option<(String, String)>), StoreError> {
        let scanned = self.notifications.scan_requests(from).await?;
        let named: BTreeSet<OrderId> =
            scanned.requests.iter().filter_map(PersonalNotification::order_id).collect();
        let own = self.orders.placed_by(customer, &named).await?;
        let belongs = |request: &PersonalNotification| {
            request.mentions(addresses) || request.order_id().is_some_and(|id| own.contains(&id))
        };
        Ok((scanned.requests.into_iter().filter(belongs).collect(), scanned.next))
    }
}

fn addresses_in(orders: &[PersonalOrder]) -> BTreeSet<String> {
    orders.iter().flat_map(|order| order.addresses().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CursorQuery {
    /// The `next_cursor` of the previous call.
    #[serde(default)]
    #[param(inline)]
    cursor: PageCursor,
}

/// The id of a customer as a caller writes it.
#[derive(Deserialize)]
struct RequestedId(String);

impl PartialSchema for RequestedId {
    fn schema() -> RefOr<Schema> {
        requested_customer_id().into()
    }
}

impl ToSchema for RequestedId {}

/// The customer as a parameter of the query: no path can have an id with a slash, a backslash, or dots only.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CustomerQuery {
    /// The id of the customer, whatever characters it has.
    #[param(inline)]
    customer_id: RequestedId,
    /// The `next_cursor` of the previous call.
    #[serde(default)]
    #[param(inline)]
    cursor: PageCursor,
}

impl CustomerQuery {
    fn parse(self) -> Result<(CustomerId, PageCursor), Problem> {
        let mut errors = FieldErrors::default();
        let id = errors.parse("customer_id", || CustomerId::parse(&self.customer_id.0));
        Ok((errors.into_result(id)?, self.cursor))
    }
}

/// A page of what is stored about a customer.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerExport)]
struct Export {
    customer_id: CustomerId,
    /// Orders, each with its events (`timeline`), its payment and the notifications about it, newest first. The payment token is left out.
    #[schema(value_type = Vec<Object>)]
    orders: Vec<Value>,
    /// Notifications that were requested through the API, to one of the customer's addresses or about one of the orders.
    #[schema(value_type = Vec<Object>)]
    notifications: Vec<Value>,
    /// The cursor of the next page; null on the last page. Pages in between may be empty.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Export a customer
///
/// Returns everything that is stored about a customer, page by page. A customer without orders has an empty page.
#[utoipa::path(
    get,
    path = "/api/v1/customers/{id}",
    tag = "customers",
    operation_id = "exportCustomer",
    params(("id" = CustomerId, Path), CursorQuery),
    responses((status = 200, description = "A page of what is stored about the customer", body = Export)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
async fn export_customer(
    State(customers): State<Customers>,
    PathParam(id): PathParam<CustomerId>,
    QueryParams(query): QueryParams<CursorQuery>,
) -> Result<Json<Export>, Problem> {
    Ok(Json(customers.export(id, &query.cursor).await?))
}

/// Export a customer with any id
///
/// The same as `GET /api/v1/customers/{id}`, also for an id that no path can have, such as one with a slash.
#[utoipa::path(
    get,
    path = "/api/v1/customers",
    tag = "customers",
    operation_id = "exportCustomerWithAnyId",
    params(CustomerQuery),
    responses((status = 200, description = "A page of what is stored about the customer", body = Export)),
    extensions(("x-problems" = json!([ProblemKind::InvalidCursor])))
)]
async fn export_customer_with(
    State(customers): State<Customers>,
    QueryParams(query): QueryParams<CustomerQuery>,
) -> Result<Json<Export>, Problem> {
    let (id, cursor) = query.parse()?;
    Ok(Json(customers.export(id, &cursor).await?))
}

/// What a call blanked.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerForgotten)]
struct Forgotten {
    customer_id: CustomerId,
    /// The number of orders that this call blanked.
    orders: usize,
    /// The number of payments and reservations that this call blanked.
    payments: usize,
    /// The number of notifications that this call blanked.
    notifications: usize,
    /// The number of delayed, waiting and dead messages that this call blanked.
    messages: usize,
    /// The cursor with which to continue; null if nothing is left to do.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Forget a customer
///
/// Blanks e-mail addresses, telephone numbers, payment tokens and free text of a customer in orders, payments, notifications and messages. Amounts,
/// products and the customer's id stay. Each call does a bounded part; repeat it with `next_cursor` until that is null. Calls can be repeated.
#[utoipa::path(
    delete,
    path = "/api/v1/customers/{id}",
    tag = "customers",
    operation_id = "forgetCustomer",
    params(("id" = CustomerId, Path), CursorQuery),
    responses((status = 200, description = "A part is done", body = Forgotten)),
    extensions(("x-problems" = json!([ProblemKind::CustomerHasOpenOrders, ProblemKind::InvalidCursor])))
)]
async fn forget_customer(
    State(customers): State<Customers>,
    PathParam(id): PathParam<CustomerId>,
    QueryParams(query): QueryParams<CursorQuery>,
) -> Result<Json<Forgotten>, Problem> {
    Ok(Json(customers.forget(id, &query.cursor).await?))
}

/// Forget a customer with any id
///
/// The same as `DELETE /api/v1/customers/{id}`, also for an id that no path can have, such as one with a slash.
#[utoipa::path(
    delete,
    path = "/api/v1/customers",
    tag = "customers",
    operation_id = "forgetCustomerWithAnyId",
    params(CustomerQuery),
    responses((status = 200, description = "A part is done", body = Forgotten)),
    extensions(("x-problems" = json!([ProblemKind::CustomerHasOpenOrders, ProblemKind::InvalidCursor])))
)]
async fn forget_customer_with(
    State(customers): State<Customers>,
    QueryParams(query): QueryParams<CustomerQuery>,
) -> Result<Json<Forgotten>, Problem> {
    let (id, cursor) = query.parse()?;
    Ok(Json(customers.forget(id, &cursor).await?))
}
