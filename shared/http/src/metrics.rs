//! `GET /metrics`.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4";

/// `GET /metrics`: the text that `render` gives, in Prometheus' text format 0.0.4.
pub fn metrics_router(render: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT_FORMAT)], render())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    #[tokio::test]
    async fn what_is_rendered_is_served_as_prometheus_text() {
        let router = metrics_router(|| "up 1\n".to_owned());
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; version=0.0.4");
        assert_eq!(to_bytes(response.into_body(), 10_000).await.unwrap(), "up 1\n");
    }
}
