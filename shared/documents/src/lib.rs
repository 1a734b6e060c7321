//! What the API and the events look like, for programs (`/openapi.json`, `/asyncapi.json`) and for persons (`/docs`).
//!
//! Both documents are made from the code: the routes with the descriptions that stand at their handlers ([`openapi()`]), the events and who
//! is told of them ([`asyncapi()`]). What was made stands beside this file and is served from there, so that a process that runs a few
//! parts, or a bundle, shows the whole system. A test makes them again and holds the files to that.

mod asyncapi;
mod examples;
mod openapi;
mod problems;

use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

/// The description of the HTTP API that is served: OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The description of the events that is served: AsyncAPI 3.0.
pub const ASYNCAPI: &str = include_str!("../asyncapi.json");

/// Holds its own style and script, and asks for nothing but the documents and what a person tries.
const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>",
    include_str!("page/page.css"),
    "</style><script type=\"module\">",
    include_str!("page/page.js"),
    "</script>"
);

const PAGE_POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; \
                           script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

/// `/openapi.json`, `/asyncapi.json` and `/docs`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(openapi_document))
        .routes(routes!(asyncapi_document))
        .routes(routes!(page))
}

/// This document
///
/// What can be asked over HTTP.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documents",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
async fn openapi_document() -> impl IntoResponse {
    (JSON, OPENAPI)
}

/// The events
///
/// What is told to whom, and what each event carries.
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    tag = "documents",
    operation_id = "asyncapi",
    responses((status = 200, description = "AsyncAPI 3.0", body = Object))
)]
async fn asyncapi_document() -> impl IntoResponse {
    (JSON, ASYNCAPI)
}

/// These documents as a page
///
/// Calls can be tried on it. It needs nothing but this server.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "documents",
    operation_id = "docs",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
async fn page() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, PAGE_POLICY)], PAGE)
}
