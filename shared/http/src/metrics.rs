//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
