//! What is counted and measured of requests.

use std::time::Duration;

use http::{Method, StatusCode};

/// The methods that routes may have: a client can send any other word as one, and each would be a series of its own.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Counts an answer and how long it took.
pub(crate) fn answered(method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let method = METHODS.iter().find(|known| *known == method).map_or("other", Method::as_str).to_owned();
    let (route, status) = (route.to_owned(), status.as_str().to_owned());
    metrics::histogram!("http_request_duration_seconds", "method" => method.clone(), "route" => route.clone())
        .record(elapsed);
    metrics::counter!("http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
}
