//! The page `/docs`: Swagger UI over `/openapi.json`, and the events of `/asyncapi.json`.
//!
//! Swagger UI is in `swagger-ui/`, which `vendor.mjs` there fills from the npm registry; a test compares. Its large files are checked in
//! compressed, embedded as they are, and sent so: every browser accepts gzip. The page loads nothing from other servers. No bundle
//! contains it.

use axum::http::HeaderName;
use axum::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const PAGE: &str = include_str!("page/page.html");

/// The page loads its own files and calls its own server, and nothing else. The icons of Swagger UI are in its style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The licences of Swagger UI and of the libraries in it.
const LICENCES: &str = concat!(
    include_str!("../swagger-ui/NOTICE"),
    "\n",
    include_str!("../swagger-ui/LICENSE"),
    "\n",
    include_str!("../swagger-ui/swagger-ui-bundle.js.LICENSE.txt")
);

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page.
struct File {
    path: &'static str,
    content_type: &'static str,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    Plain(&'static str),
    Gzip(&'static [u8]),
}

const FILES: [File; 5] = [
    File {
        path: "/docs/page.css",
        content_type: CSS,
        content: Content::Plain(include_str!("page/page.css")),
    },
    File {
        path: "/docs/page.js",
        content_type: JAVASCRIPT,
        content: Content::Plain(include_str!("page/page.js")),
    },
    File {
        path: "/docs/swagger-ui.css",
        content_type: CSS,
        content: Content::Gzip(include_bytes!("../swagger-ui/swagger-ui.css.gz")),
    },
    File {
        path: "/docs/swagger-ui-bundle.js",
        content_type: JAVASCRIPT,
        content: Content::Gzip(include_bytes!("../swagger-ui/swagger-ui-bundle.js.gz")),
    },
    File {
        path: "/docs/licences.txt",
        content_type: "text/plain; charset=utf-8",
        content: Content::Plain(LICENCES),
    },
];

/// Returns the routes of the page. They need no token: the page has no data, and a user enters a token for the calls that need one.
/// Its files are routes without a description, as they are no part of the API.
pub fn router() -> OpenApiRouter {
    FILES.into_iter().fold(OpenApiRouter::new().routes(routes!(page)), |router, file| {
        router.route(file.path, get(move || std::future::ready(response(file.content_type, file.content))))
    })
}

/// Returns the paths of the page's files.
pub fn files() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.path)
}

/// Read the documents as a web page
///
/// Swagger UI, which can send requests to the API, and the events. The page loads nothing from other servers. Only `orderflow up` has it.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "documents",
    operation_id = "docs",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
async fn page() -> impl IntoResponse {
    response("text/html; charset=utf-8", Content::Plain(PAGE))
}

fn response(content_type: &'static str, content: Content) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, POLICY)];
    match content {
        Content::Plain(text) => (headers, text).into_response(),
        Content::Gzip(bytes) => (headers, [(CONTENT_ENCODING, "gzip")], bytes).into_response(),
    }
}
