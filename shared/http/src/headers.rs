//! The headers by which a browser handles a response with care.

use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

/// The headers of every response that does not set them itself. Data is no page: it loads nothing, and no page can frame it.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Where responses have no personal data, so that caches may keep them: the catalog, and the documents.
const PUBLIC: [&str; 4] = ["/api/v1/products", "/docs", "/openapi.json", "/asyncapi.json"];

/// Adds the headers to the response of a path. Keeps those that it has.
pub(crate) fn harden(path: &str, response: &mut Response) {
    let is_public = PUBLIC
        .iter()
        .any(|public| path.strip_prefix(public).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let is_kept = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if !(is_public && is_kept) {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn headers(path: &str, response: impl IntoResponse) -> http::HeaderMap {
        let mut response = response.into_response();
        harden(path, &mut response);
        response.headers().clone()
    }

    #[test]
    fn every_response_is_hardened() {
        for path in ["/", "/api/v1/orders", "/docs", "/metrics"] {
            let headers = headers(path, "");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["x-frame-options"], "DENY");
            assert!(headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        }
        assert_eq!(headers("/docs", [(CONTENT_SECURITY_POLICY, "own")])["content-security-policy"], "own");
    }

    #[test]
    fn no_cache_keeps_what_may_be_personal() {
        for path in [
            "/api/v1/orders/1",
            "/api/v1/payments",
            "/api/v1/notifications",
            "/api/v1/admin/dead-letters",
            "/api/v1/productsx",
            "/",
        ] {
            assert_eq!(headers(path, "")["cache-control"], "no-store", "{path}");
        }
        for path in ["/api/v1/products", "/api/v1/products/MUG", "/docs", "/openapi.json"] {
            assert!(!headers(path, "").contains_key("cache-control"), "{path}");
            assert_eq!(headers(path, StatusCode::NOT_FOUND)["cache-control"], "no-store", "{path}");
        }
        assert_eq!(headers("/api/v1/orders", [(CACHE_CONTROL, "max-age=1")])["cache-control"], "max-age=1");
    }
}
