use axum::body::{Body, Bytes};
use axum::extract::{Path, Query};
use axum::routing::{get, post};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde::Deserialize;

use super::*;
use crate::test_client::{Answer, send, send_get};
use crate::{JsonBody, PathParam};

#[derive(Deserialize)]
struct Page {
    limit: u8,
}

fn router() -> Router {
    let api = Router::new()
        .route("/things/{id}", get(async |PathParam(id): PathParam<u32>| id.to_string()))
        .route("/names/{name}", get(async |Path(name): Path<String>| name))
        .route("/axum/{id}", get(async |Path(id): Path<u32>| id.to_string()))
        .route("/page", get(async |Query(page): Query<Page>| page.limit.to_string()))
        .route("/raw", post(async |body: Bytes| body.len().to_string()))
        .route("/json", post(async |JsonBody(n): JsonBody<u32>| n.to_string()))
        .route("/trace", get(async |trace: Trace| trace.0.to_string()))
        .route("/panic", get(panicking))
        .route("/empty-500", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/sick", get(async || (StatusCode::SERVICE_UNAVAILABLE, axum::Json("unhealthy"))));
    with_fallbacks(Router::new().nest("/api/v1", api))
}

async fn panicking() -> String {
    panic!("the secret of the handler")
}

async fn fetch(path: &str) -> Answer {
    send_get(router(), &format!("/api/v1{path}")).await
}

async fn send_post(path: &str, body: impl Into<Body>) -> Answer {
    let request = http::Request::post(format!("/api/v1{path}"));
    send(router(), request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn good_answers_pass() {
    assert_eq!(fetch("/things/7").await.body, "7");
    assert_eq!(fetch("/names/%C3%BC").await.body, "ü");
    assert_eq!(fetch("/page?limit=3").await.body, "3");
}

#[tokio::test]
async fn unknown_paths_are_problems() {
    for path in ["/", "/nothing", "/things", "/things/", "/things/7/more"] {
        let answer = fetch(path).await;
        assert_eq!((answer.status, answer.slug().as_str()), (404, "not-found"), "{path}");
    }
    assert_eq!(send_get(router(), "/").await.slug(), "not-found");
}

#[tokio::test]
async fn a_path_that_cannot_be_parsed_is_not_found() {
    for path in ["/things/x", "/things/-1", "/things/%ff", "/names/%ff", "/nothing/%c3"] {
        let answer = fetch(path).await;
        assert_eq!((answer.status, answer.slug().as_str()), (404, "not-found"), "{path}");
    }
}

#[tokio::test]
async fn a_405_keeps_the_allow_header() {
    let answer = send_post("/things/7", "").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.slug(), "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn axums_own_rejections_are_problems() {
    assert_eq!(fetch("/axum/x").await.slug(), "malformed-request");
    assert_eq!(fetch("/page?limit=x").await.slug(), "malformed-request");
    assert_eq!(fetch("/empty-500").await.slug(), "unavailable");
}

#[tokio::test]
async fn a_structured_error_is_passed_unchanged() {
    let answer = fetch("/sick").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "\"unhealthy\""));
}

#[tokio::test]
async fn no_extractor_reads_more_than_the_limit() {
    assert_eq!(send_post("/raw", vec![b' '; MAX_BODY_BYTES]).await.status, 200);
    let answer = send_post("/raw", vec![b' '; MAX_BODY_BYTES + 1]).await;
    assert_eq!((answer.status, answer.slug().as_str()), (413, "payload-too-large"));
    assert_eq!(send_post("/json", "1").await.slug(), "unsupported-media-type");
}

#[tokio::test]
async fn a_panic_answers_503_and_tells_nothing() {
    let answer = fetch("/panic").await;
    assert_eq!((answer.status, answer.slug().as_str()), (503, "unavailable"));
    assert!(!answer.body.contains("secret"), "{}", answer.body);
}

#[tokio::test]
async fn the_handler_runs_in_the_trace_of_the_client() {
    let request = http::Request::get("/api/v1/trace")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body(Body::empty())
        .unwrap();
    let answer = send(router(), request).await;
    assert!(answer.body.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(!answer.body.contains("00f067aa0ba902b7"));
}

#[tokio::test]
async fn requests_are_counted_by_their_route_and_never_by_their_path() {
    let recorder = DebuggingRecorder::new();
    let _recording = ::metrics::set_default_local_recorder(&recorder);
    fetch("/things/7").await;
    fetch("/things/8").await;
    fetch("/nothing/9").await;
    let odd = http::Request::builder().method("ODD").uri("/api/v1/things/7").body(Body::empty()).unwrap();
    send(router(), odd).await;

    let snapshot = recorder.snapshotter().snapshot().into_vec();
    let series = snapshot.into_iter().map(|(key, _, _, value)| {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        (format!("{} {}", key.key().name(), labels.join(" ")), value)
    });
    let series: std::collections::BTreeMap<_, _> = series.collect();
    assert_eq!(series["http_requests_total GET /api/v1/things/{id} 200"], DebugValue::Counter(2));
    assert_eq!(series["http_requests_total GET none 404"], DebugValue::Counter(1));
    assert_eq!(series["http_requests_total other /api/v1/things/{id} 405"], DebugValue::Counter(1));
    let DebugValue::Histogram(seconds) = &series["http_request_duration_seconds GET /api/v1/things/{id}"]
    else {
        panic!("{series:?}")
    };
    assert!(seconds.len() == 2 && seconds.iter().all(|seconds| seconds.0 > 0.0), "{seconds:?}");
}
