use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::*;

fn fixed(name: &'static str, state: CheckState) -> HealthCheck {
    HealthCheck::new(name, move || std::future::ready(state.clone()))
}

fn sources(checks: Vec<HealthCheck>, part: PartState) -> HealthSources {
    HealthSources {
        readiness: checks.first().cloned().into_iter().collect(),
        checks,
        figures: vec![HealthFigure::new("outbox_pending", || 7_u64)],
        parts: Some(Arc::new(move || [("payment", PartHealth::new(part))].into())),
    }
}

async fn get(sources: HealthSources, path: &str, extend: impl FnOnce(&mut Request<Body>)) -> (u16, Value) {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    extend(&mut request);
    let response = Router::from(health_router(sources)).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_dependency_that_is_down_makes_the_process_unhealthy() {
    let down = || CheckState::Down("gone".to_owned());
    let weak = || CheckState::Degraded("circuit breaker is open".to_owned());
    for (broker, part, status, text) in [
        (CheckState::Up, PartState::Running, 200, "healthy"),
        (CheckState::Up, PartState::Stopped, 200, "degraded"),
        (CheckState::Up, PartState::Failing, 200, "degraded"),
        (weak(), PartState::Running, 200, "degraded"),
        (down(), PartState::Running, 503, "unhealthy"),
        (down(), PartState::Failing, 503, "unhealthy"),
    ] {
        let checks = vec![fixed("store", CheckState::Up), fixed("broker", broker.clone())];
        let (answered, body) = get(sources(checks, part), "/health", |_| {}).await;
        assert_eq!((answered, &body["status"]), (status, &Value::from(text)), "{broker:?} {part:?}");
        assert_eq!(body["outbox_pending"], 7);
        assert_eq!(body["services"]["store"], "up");
        assert_eq!(body["services"]["broker"], broker.name());
        assert_eq!(body["reasons"]["broker"], serde_json::to_value(broker.reason()).unwrap());
        assert_eq!(body["parts"]["payment"]["state"], serde_json::to_value(part).unwrap());
    }
}

#[tokio::test]
async fn only_what_readiness_needs_makes_the_process_not_ready() {
    let down = || CheckState::from(false);
    for (store, broker, status) in [
        (CheckState::Up, down(), 200),
        (CheckState::Degraded(String::new()), CheckState::Up, 200),
        (down(), CheckState::Up, 503),
    ] {
        let checks = vec![fixed("store", store), fixed("broker", broker)];
        let sources = sources(checks, PartState::Running);
        assert_eq!(get(sources.clone(), "/health/ready", |_| {}).await.0, status);
        assert_eq!(get(sources, "/health/live", |_| {}).await.0, 200);
    }
}

#[tokio::test]
async fn details_are_not_for_strangers_and_customers() {
    let caller = |scope: &str| Caller::new("C1".to_owned(), [scope.to_owned()]);
    let shown = async |extend: &dyn Fn(&mut Request<Body>)| {
        let checks = vec![fixed("store", CheckState::from(false))];
        let (_, body) = get(sources(checks, PartState::Running), "/health", |request| extend(request)).await;
        assert_eq!(body["services"]["store"], "down");
        ["parts", "reasons", "outbox_pending"].map(|field| body.get(field).is_some())
    };
    assert_eq!(shown(&|_| {}).await, [true; 3]);
    let operator = |request: &mut Request<Body>| drop(request.extensions_mut().insert(caller("operate")));
    assert_eq!(shown(&operator).await, [true; 3]);
    let customer = |request: &mut Request<Body>| drop(request.extensions_mut().insert(caller("orders:read")));
    assert_eq!(shown(&customer).await, [false; 3]);
    let stranger = |request: &mut Request<Body>| {
        request.extensions_mut().insert(Stranger);
    };
    assert_eq!(shown(&stranger).await, [false; 3]);
}
