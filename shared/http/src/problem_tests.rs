use axum::Router;
use axum::routing::get;

use super::*;
use crate::test_client::{Answer, send_get};

async fn answer(make: fn() -> Problem) -> Answer {
    let router = Router::new().route("/", get(async move || make()));
    send_get(router, "/").await
}

#[tokio::test]
async fn every_kind_is_a_problem_with_its_status_and_slug() {
    use ProblemKind::*;
    for (kind, status, slug) in [
        (MalformedRequest, 400, "malformed-request"),
        (Unauthenticated, 401, "unauthenticated"),
        (Forbidden, 403, "forbidden"),
        (NotFound, 404, "not-found"),
        (MethodNotAllowed, 405, "method-not-allowed"),
        (OrderNotCancellable, 409, "order-not-cancellable"),
        (AlreadyExists, 409, "already-exists"),
        (InsufficientStock, 409, "insufficient-stock"),
        (CustomerHasOpenOrders, 409, "customer-has-open-orders"),
        (PreconditionFailed, 412, "precondition-failed"),
        (PayloadTooLarge, 413, "payload-too-large"),
        (UnsupportedMediaType, 415, "unsupported-media-type"),
        (InvalidRequest, 422, "invalid-request"),
        (UnknownProduct, 422, "unknown-product"),
        (IdempotencyKeyReused, 422, "idempotency-key-reused"),
        (RateLimited, 429, "rate-limited"),
        (Unavailable, 503, "unavailable"),
    ] {
        let response = Problem::new(kind, "why").into_response();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(kind.slug(), slug);
        assert!(ProblemKind::ALL.contains(&kind));
        let again = Problem::of_status(kind);
        assert_eq!(again.into_response().status().as_u16(), status);
    }
}

#[tokio::test]
async fn the_body_has_the_members_of_the_rfc() {
    let answer = answer(|| Problem::new(ProblemKind::AlreadyExists, "TSHIRT is there.")).await;
    let expected = serde_json::json!({
        "type": "urn:orderflow:problem:already-exists",
        "title": "The resource already exists",
        "status": 409,
        "detail": "TSHIRT is there.",
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn invalid_fields_are_listed() {
    let answer = answer(|| {
        let mut errors = FieldErrors::one("items[0].sku", "is not for sale");
        errors.push("items[2].sku", "is not for sale");
        Problem::refused(ProblemKind::UnknownProduct, errors)
    })
    .await;
    assert_eq!(answer.slug(), "unknown-product");
    assert_eq!(answer.json()["errors"][1]["field"], "items[2].sku");
}

#[tokio::test]
async fn the_cause_of_a_failure_is_never_sent() {
    let answer = answer(|| Problem::unavailable("table orderflow-orders: secret")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.slug(), "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.body.contains("secret"), "{}", answer.body);
}

#[test]
fn the_cause_is_the_source() {
    let problem = Problem::unavailable("no connection");
    assert_eq!(problem.source().unwrap().to_string(), "no connection");
}

#[tokio::test]
async fn retry_after_is_in_whole_seconds_rounded_up() {
    let limited = answer(|| Problem::rate_limited(Duration::from_millis(1_200))).await;
    assert_eq!(limited.slug(), "rate-limited");
    assert_eq!(limited.header("retry-after"), "2");
    let at_once = answer(|| Problem::rate_limited(Duration::ZERO)).await;
    assert_eq!(at_once.header("retry-after"), "1");
}

#[tokio::test]
async fn a_401_names_the_scheme() {
    let answer = answer(|| Problem::new(ProblemKind::Unauthenticated, "No token.")).await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}
