//! The documents of the API and the events, for programs (`/openapi.json`, `/asyncapi.json`) and for people (`/docs`).
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
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
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

/// The page `/docs`. It contains its style and script, and requests only the documents and the calls that a user tries.
const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>",
    include_str!("page/page.css"),
    "</style><script type=\"module\">",
    include_str!("page/page.js"),
    "</script>"
);

/// The policy of the page: its own style and script, by their hashes, and requests to the server that it comes from.
const PAGE_POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; \
                           style-src 'sha256-q5apVgS0HaDSlSGiZKYLnkruklLZU9sKhTfdMmDQK1c='; \
                           script-src 'sha256-X+Hcr+YWuE7424kDH4oZXtOZFNQAG/Zv9cZPype7N20='; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

/// Returns the routes `/openapi.json`, `/asyncapi.json` and `/docs`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(openapi_document))
        .routes(routes!(asyncapi_document))
        .routes(routes!(page))
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

/// Read the documents as a web page
///
/// The page can send requests to the API. It loads nothing from other servers.
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_of_the_page_allows_its_own_style_and_script_only() {
        for (directive, text) in
            [("style-src", include_str!("page/page.css")), ("script-src", include_str!("page/page.js"))]
        {
            let hash = STANDARD.encode(Sha256::digest(text));
            assert!(
                PAGE_POLICY.contains(&format!("{directive} 'sha256-{hash}';")),
                "{directive} is now 'sha256-{hash}'"
            );
        }
        assert!(!PAGE_POLICY.contains("unsafe"));
    }
}
