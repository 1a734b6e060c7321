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

/// Something that the process needs: a name, and how to find out whether it is there.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    is_up: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

impl HealthCheck {
    /// A check under a name.
    pub fn new<F>(name: &'static str, is_up: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self { name, is_up: Arc::new(move || Box::pin(is_up())) }
    }
}

/// Something that is measured: a name, and how much it is now.
#[derive(Clone)]
pub struct HealthFigure {
    name: &'static str,
    value: Arc<dyn Fn() -> Value + Send + Sync>,
}

impl HealthFigure {
    /// A figure under a name.
    pub fn new<V: Into<Value>>(name: &'static str, value: impl Fn() -> V + Send + Sync + 'static) -> Self {
        Self { name, value: Arc::new(move || value().into()) }
    }
}

#[derive(Clone)]
struct Watched {
    checks: Vec<HealthCheck>,
    figures: Vec<HealthFigure>,
}

/// Whether the process can do its work.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// When it was looked at.
    #[schema(format = DateTime)]
    timestamp: String,
    /// What the process needs, each `up` or `down`.
    #[schema(example = json!({"store": "up", "broker": "up"}))]
    services: BTreeMap<&'static str, &'static str>,
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, f64>)]
    figures: BTreeMap<&'static str, Value>,
}

/// `GET /health`: 200 where every check is up, otherwise 503, with the state of each. Figures are told beside them and decide nothing.
pub fn health_router(checks: Vec<HealthCheck>, figures: Vec<HealthFigure>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(health)).with_state(Watched { checks, figures })
}

/// Whether the process can do its work
///
/// The process that relays events tells what is still to be published, too: `outbox_pending` writes, the oldest of them
/// `outbox_oldest_seconds` old.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operation",
    operation_id = "health",
    responses(
        (status = 200, description = "Everything that it needs is up", body = Health),
        (status = 503, description = "Something that it needs is down", body = Health),
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
    async fn one_that_is_down_makes_it_unhealthy() {
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
