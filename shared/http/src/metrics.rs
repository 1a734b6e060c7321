//! The metrics of requests, and `GET /metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The methods that have a time series of their own. A client may send any word as a method, and each would add a series.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// The media type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4";

type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Returns the route `GET /metrics`, which sends the output of `render` in Prometheus' text format 0.0.4.
pub fn metrics_router(render: impl Fn() -> String + Send + Sync + 'static) -> OpenApiRouter {
    let render: Render = Arc::new(render);
    OpenApiRouter::new().routes(routes!(metrics)).with_state(render)
}

/// Read the metrics of the process
///
/// In Prometheus' text format. Not available on Lambda.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "metrics",
    responses((status = 200, description = "All time series of this process", body = String, content_type = "text/plain"))
)]
async fn metrics(State(render): State<Render>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT_FORMAT)], render())
}

/// Records a response and its duration.
pub(crate) fn record_response(method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let method = METHODS.iter().find(|known| *known == method).map_or("other", Method::as_str).to_owned();
    let (route, status) = (route.to_owned(), status.as_str().to_owned());
    ::metrics::histogram!("http_request_duration_seconds", "method" => method.clone(), "route" => route.clone())
        .record(elapsed);
    ::metrics::counter!("http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
}
