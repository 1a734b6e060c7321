//! The console: the web page at `/` of `orderflow up`, for those who run a shop.
//!
//! Its sources are in `web/` (TypeScript, Preact). Vite makes `dist/` from them, which is checked in, so that building the program needs no
//! Node.js. A test builds it again and compares. The page uses only the public API, with the token of the person who signed in.

use axum::Router;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

/// The page loads its own files and calls its own server, and nothing else. Its icon is in the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of the page: path, content type, content.
const FILES: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("../dist/index.html")),
    ("/console.css", "text/css; charset=utf-8", include_str!("../dist/console.css")),
    ("/console.js", "text/javascript; charset=utf-8", include_str!("../dist/console.js")),
];

/// Returns the routes of the page. They need no token: the page has no data, and asks for a token when the API does.
pub fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, content)| {
        router.route(path, get(move || std::future::ready(file(kind, content))))
    })
}

fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, content)
}
