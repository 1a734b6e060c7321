//! What each operation needs.

use http::Method;

const CATALOG_WRITE: &str = "catalog:write";
const INVENTORY_WRITE: &str = "inventory:write";
const ORDERS_READ: &str = "orders:read";
const PAYMENTS_REFUND: &str = "payments:refund";
const MESSAGES_SEND: &str = "messages:send";
const OPERATE: &str = "operate";

/// What a caller needs for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the operation is public.
    Nothing,
    /// A valid token. The operation itself compares the customer of an order with the subject of the token.
    Token,
    /// A valid token with one of these scopes, or with `admin`.
    OneOf(&'static [&'static str]),
}

impl Need {
    /// Returns the scopes of which one is needed, besides `admin`; none if no particular scope is.
    #[must_use]
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Nothing | Self::Token => &[],
            Self::OneOf(scopes) => scopes,
        }
    }
}

/// Every operation with what it needs.
const OPERATIONS: &[(&str, &str, Need)] = &[
    ("GET", "/health", Need::Nothing),
    ("GET", "/health/live", Need::Nothing),
    ("GET", "/health/ready", Need::Nothing),
    ("GET", "/docs", Need::Nothing),
    ("GET", "/openapi.json", Need::Nothing),
    ("GET", "/asyncapi.json", Need::Nothing),
    ("GET", "/metrics", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/products", Need::Nothing),
    ("POST", "/api/v1/products", Need::OneOf(&[CATALOG_WRITE])),
    ("GET", "/api/v1/products/{sku}", Need::Nothing),
    ("PATCH", "/api/v1/products/{sku}", Need::OneOf(&[CATALOG_WRITE])),
    ("DELETE", "/api/v1/products/{sku}", Need::OneOf(&[CATALOG_WRITE])),
    ("GET", "/api/v1/inventory", Need::OneOf(&[INVENTORY_WRITE, OPERATE])),
    ("GET", "/api/v1/inventory/{sku}", Need::OneOf(&[INVENTORY_WRITE, OPERATE])),
    ("POST", "/api/v1/inventory/{sku}", Need::OneOf(&[INVENTORY_WRITE])),
    ("GET", "/api/v1/orders", Need::Token),
    ("POST", "/api/v1/orders", Need::Token),
    ("GET", "/api/v1/orders/{id}", Need::Token),
    ("DELETE", "/api/v1/orders/{id}", Need::Token),
    ("GET", "/api/v1/orders/{id}/events", Need::Token),
    ("POST", "/api/v1/orders/{id}/resend", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/payments", Need::OneOf(&[ORDERS_READ, PAYMENTS_REFUND])),
    ("POST", "/api/v1/payments/{order_id}/refund", Need::OneOf(&[PAYMENTS_REFUND])),
    // Signed by the provider instead.
    ("POST", "/webhooks/stripe", Need::Nothing),
    ("GET", "/api/v1/notifications", Need::OneOf(&[ORDERS_READ, MESSAGES_SEND])),
    ("POST", "/api/v1/notifications", Need::OneOf(&[MESSAGES_SEND])),
    ("GET", "/api/v1/notifications/{id}", Need::OneOf(&[ORDERS_READ, MESSAGES_SEND])),
    ("GET", "/api/v1/templates", Need::OneOf(&[MESSAGES_SEND])),
    ("GET", "/api/v1/analytics/summary", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/analytics/series", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/customers", Need::OneOf(&[OPERATE])),
    ("DELETE", "/api/v1/customers", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/customers/{id}", Need::OneOf(&[OPERATE])),
    ("DELETE", "/api/v1/customers/{id}", Need::OneOf(&[OPERATE])),
    ("POST", "/api/v1/admin/cache/warmup", Need::OneOf(&[CATALOG_WRITE, OPERATE])),
    ("GET", "/api/v1/live", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/admin/queues", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/admin/dead-letters", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/admin/dead-letters/{consumer}", Need::OneOf(&[OPERATE])),
    ("DELETE", "/api/v1/admin/dead-letters/{consumer}", Need::OneOf(&[OPERATE])),
    ("POST", "/api/v1/admin/dead-letters/{consumer}/replay", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/admin/dead-letters/{consumer}/{id}", Need::OneOf(&[OPERATE])),
    ("PUT", "/api/v1/admin/dead-letters/{consumer}/{id}", Need::OneOf(&[OPERATE])),
    ("DELETE", "/api/v1/admin/dead-letters/{consumer}/{id}", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/admin/consumers", Need::OneOf(&[OPERATE])),
    ("PUT", "/api/v1/admin/consumers/{consumer}", Need::OneOf(&[OPERATE])),
    ("GET", "/api/v1/admin/faults", Need::OneOf(&[OPERATE])),
    ("PUT", "/api/v1/admin/faults", Need::OneOf(&[OPERATE])),
];

/// The files of the pages, of the console and of `/docs`. They hold no data, and ask for a token when a call needs one.
const FILES: [&str; 8] = [
    "/",
    "/console.css",
    "/console.js",
    "/docs/page.css",
    "/docs/page.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/docs/licences.txt",
];

/// Returns every operation with what it needs: the method, and the path as the router has it.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str, Need)> {
    OPERATIONS.iter().copied()
}

/// Returns what an operation needs. `route` is the pattern of the router, such as `/api/v1/orders/{id}`. HEAD needs what GET needs.
/// `None` if neither the table nor the pages have the operation; such an operation is closed.
#[must_use]
pub fn need_of(method: &Method, route: &str) -> Option<Need> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    if method == "GET" && FILES.contains(&route) {
        return Some(Need::Nothing);
    }
    let entry = OPERATIONS.iter().find(|(of, pattern, _)| *of == method && *pattern == route);
    entry.map(|(_, _, need)| *need)
}
