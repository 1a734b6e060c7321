//! The documents of the API and the events: `/openapi.json` and `/asyncapi.json`.
//!
//! Both documents are generated from the code: [`openapi()`] from the routes and the descriptions at their handlers, [`asyncapi()`] from
//! the events and their subscriptions. The generated files are checked in and served, so that a process that runs only a few parts, or
//! a bundle, still describes the whole system. A test generates them again and compares.

mod asyncapi;
mod examples;
mod openapi;
mod problems;

use std::sync::LazyLock;

use axum::Extension;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use orderflow_auth::WithoutAuthentication;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

/// The OpenAPI 3.1 document that is served.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The OpenAPI document of a system that authenticates no callers: in each operation a token is optional.
static OPEN_OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(OPENAPI).expect("a test generates the document as JSON");
    let items = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = items.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    for operation in operations {
        if let Some(alternatives) = operation["security"].as_array_mut() {
            alternatives.push(json!({}));
        }
    }
    document.to_string()
});

/// The AsyncAPI 3.0 document that is served.
pub const ASYNCAPI: &str = include_str!("../asyncapi.json");

const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

/// Returns the routes `/openapi.json` and `/asyncapi.json`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(openapi_document)).routes(routes!(asyncapi_document))
}

/// Read the OpenAPI document
///
/// Describes the HTTP API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documents",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
async fn openapi_document(open: Option<Extension<WithoutAuthentication>>) -> impl IntoResponse {
    let document: &'static str = if open.is_some() { &OPEN_OPENAPI } else { OPENAPI };
    (JSON, document)
}

/// Read the AsyncAPI document
///
/// Describes every event, the service that publishes it and the consumers that receive it.
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
