//! `GET /health`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A dependency of the process: its name, and a function that checks whether it is available.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    is_up: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

impl HealthCheck {
    /// Creates a check with this name.
    pub fn new<F>(name: &'static str, is_up: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self { name, is_up: Arc::new(move || Box::pin(is_up())) }
    }
}

/// A measured value: its name, and a function that reads the current value.
#[derive(Clone)]
pub struct HealthFigure {
    name: &'static str,
    value: Arc<dyn Fn() -> Value + Send + Sync>,
}

impl HealthFigure {
    /// Creates a figure with this name.
    pub fn new<V: Into<Value>>(name: &'static str, value: impl Fn() -> V + Send + Sync + 'static) -> Self {
        Self { name, value: Arc::new(move || value().into()) }
    }
}

#[derive(Clone)]
struct Watched {
    checks: Vec<HealthCheck>,
    figures: Vec<HealthFigure>,
}

/// The health of the process.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// The time of the check.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The dependencies of the process, each `up` or `down`.
    #[schema(example = json!({"store": "up", "broker": "up"}))]
    services: BTreeMap<&'static str, &'static str>,
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, f64>)]
    figures: BTreeMap<&'static str, Value>,
}

/// Returns the route `GET /health`: 200 if every check is up, otherwise 503, with the state of each. Figures are included and do not
/// affect the status.
pub fn health_router(checks: Vec<HealthCheck>, figures: Vec<HealthFigure>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(health)).with_state(Watched { checks, figures })
}

/// Check the health of the process
///
/// The process that relays events also reports the writes whose events are not published yet: `outbox_pending` is their number and
/// `outbox_oldest_seconds` the age of the oldest.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operation",
    operation_id = "health",
    responses(
        (status = 200, description = "All dependencies are up", body = Health),
        (status = 503, description = "A dependency is down", body = Health),
    )
)]
async fn health(State(Watched { checks, figures }): State<Watched>) -> Response {
    let results = join_all(checks.iter().map(|check| (check.is_up)())).await;
    let all_up = results.iter().all(|up| *up);
    let state = |up| if up { "up" } else { "down" };
    let body = Health {
        status: if all_up { "healthy" } else { "unhealthy" },
        timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        services: checks.iter().zip(results).map(|(check, up)| (check.name, state(up))).collect(),
        figures: figures.iter().map(|figure| (figure.name, (figure.value)())).collect(),
    };
    let status = if all_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::to_bytes;
    use axum::http::Request;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_dependency_that_is_down_makes_the_process_unhealthy() {
        for (broker_up, status, text) in [(true, 200, "healthy"), (false, 503, "unhealthy")] {
            let checks = vec![
                HealthCheck::new("store", || async { true }),
                HealthCheck::new("broker", move || async move { broker_up }),
            ];
            let request = Request::get("/health").body(axum::body::Body::empty()).unwrap();
            let pending = HealthFigure::new("outbox_pending", || 7_u64);
            let router = Router::from(health_router(checks, vec![pending]));
            let response = router.oneshot(request).await.unwrap();
            assert_eq!(response.status(), status);
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["status"], text);
            assert_eq!(body["outbox_pending"], 7);
            assert_eq!(body["services"]["store"], "up");
            assert_eq!(body["services"]["broker"], if broker_up { "up" } else { "down" });
        }
    }
}
