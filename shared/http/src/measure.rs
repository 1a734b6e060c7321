//! The metrics of requests.

use std::time::Duration;

use http::{Method, StatusCode};

/// The methods that have a time series of their own. A client may send any word as a method, and each would add a series.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Records a response and its duration.
pub(crate) fn answered(method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let method = METHODS.iter().find(|known| *known == method).map_or("other", Method::as_str).to_owned();
    let (route, status) = (route.to_owned(), status.as_str().to_owned());
    metrics::histogram!("http_request_duration_seconds", "method" => method.clone(), "route" => route.clone())
        .record(elapsed);
    metrics::counter!("http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
}
