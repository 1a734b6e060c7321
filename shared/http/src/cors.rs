//! Calls by pages of other origins that are let in (CORS, Fetch standard, section "HTTP-CORS protocol").

use std::collections::BTreeSet;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::uri::{Scheme, Uri};
use http::{HeaderValue, Method, StatusCode};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, tracestate, x-orderflow",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, location, retry-after, www-authenticate, ratelimit, ratelimit-policy, ratelimit-limit, ratelimit-remaining, ratelimit-reset",
);

/// How long a browser may remember the response to a preflight, in seconds.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages may call the API and read the responses. Empty by default: then no page of another origin can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsOrigins(BTreeSet<String>);

/// The text is not a list of origins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin such as https://shop.example.com")]
pub struct CorsOriginsError(String);

impl CorsOrigins {
    /// Parses origins (`http` or `https`, host, and the port unless it is the default), separated by commas.
    ///
    /// # Errors
    /// Names the entry that is not an origin. `*` and `null` are not allowed.
    pub fn parse(text: &str) -> Result<Self, CorsOriginsError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| origin(entry).ok_or_else(|| CorsOriginsError(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns whether the header `Origin` has one of these origins.
    pub(crate) fn include(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.0.contains(origin))
    }

    /// Answers a preflight, or adds the headers by which the page can read the response.
    pub(crate) async fn answer(&self, request: Request, next: Next) -> Response {
        if self.0.is_empty() {
            return next.run(request).await;
        }
        let origin = request.headers().get(ORIGIN).filter(|origin| self.include(origin)).cloned();
        let is_preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = match &origin {
            Some(_) if is_preflight => preflight(),
            _ => next.run(request).await,
        };
        // A cache must not give the response for one origin to another.
        response.headers_mut().append(VARY, HeaderValue::from_name(ORIGIN));
        if let Some(origin) = origin {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        response
    }
}

/// Returns the response to the question of a browser whether a page may send a request. Cookies are not let in: the API has none.
fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Returns an origin as browsers write it: in lower case, without the default port.
fn origin(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let (scheme, authority) = (uri.scheme()?, uri.authority()?);
    let default_port = match scheme {
        scheme if *scheme == Scheme::HTTP => 80,
        scheme if *scheme == Scheme::HTTPS => 443,
        _ => return None,
    };
    let has_more = uri.path() != "/"
        || uri.query().is_some()
        || text.contains('#')
        || authority.as_str().contains(['@', '*']);
    if has_more || authority.as_str().ends_with(':') {
        return None;
    }
    let port = authority
        .port_u16()
        .filter(|port| *port != default_port)
        .map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{scheme}://{}{port}", authority.host()).to_ascii_lowercase())
}

#[cfg(test)]
#[path = "cors_tests.rs"]
mod tests;
