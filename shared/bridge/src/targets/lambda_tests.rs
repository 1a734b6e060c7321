use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;
use crate::sdk_config;

const BUSY: Duration = Duration::from_secs(30);

/// Starts a stand-in for the Invoke endpoint. The function's name selects the response; calls are counted.
async fn endpoint() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(play))
        .with_state(Arc::clone(&calls));
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, calls)
}

async fn play(
    State(calls): State<Arc<AtomicUsize>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    calls.fetch_add(1, Ordering::Relaxed);
    let refusal = |status: u16, code: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        let body = format!(r#"{{"Type":"User","Message":"said {code}"}}"#);
        (status, [("x-amzn-errortype", code.to_owned())], body).into_response()
    };
    let fault = r#"{"errorType":"Panic","errorMessage":"at the disco"}"#;
    match name.as_str() {
        "echo" => {
            let signed = headers["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256 ");
            assert!(signed && headers["x-amz-invocation-type"] == "RequestResponse");
            body.into_response()
        }
        "unhandled" => ([("x-amz-function-error", "Unhandled")], fault).into_response(),
        "unexplained" => ([("x-amz-function-error", "Unhandled")], "").into_response(),
        "headless" => fault.into_response(),
        "crashed" => (StatusCode::BAD_GATEWAY, fault).into_response(),
        "out-of-time" => {
            ([("x-amz-function-error", "Unhandled")], r#"{"errorMessage":"timed out"}"#).into_response()
        }
        "unreadable" => refusal(400, "InvalidRequestContentException"),
        "too-large" => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        "busy-emulator" => StatusCode::BAD_REQUEST.into_response(),
        "forbidden" => refusal(403, "AccessDeniedException"),
        "throttled" => refusal(429, "TooManyRequestsException"),
        "broken" => refusal(500, "ServiceException"),
        "gone-gateway" => StatusCode::BAD_GATEWAY.into_response(),
        "slow" => {
            tokio::time::sleep(BUSY).await;
            StatusCode::OK.into_response()
        }
        _ => refusal(404, "ResourceNotFoundException"),
    }
}

async fn client(url: &str) -> Client {
    Client::new(&sdk_config(Some(url)).await)
}

async fn call(url: &str, function: &str) -> Result<Vec<u8>, TargetError> {
    LambdaTarget::new(&client(url).await, function, BUSY).invoke(b"{\"Records\":[]}".to_vec()).await
}

#[tokio::test]
async fn the_response_is_returned_unchanged() {
    let (url, _) = endpoint().await;
    assert_eq!(call(&url, "echo").await.unwrap(), b"{\"Records\":[]}");
}

#[tokio::test]
async fn a_failed_function_and_a_refused_payload_are_failures() {
    let (url, _) = endpoint().await;
    for (function, expected) in [
        ("unhandled", "Panic at the disco"),
        ("unexplained", "Unhandled"),
        ("headless", "Panic at the disco"),
        ("crashed", "Panic at the disco"),
        ("out-of-time", ": timed out"),
        ("unreadable", "InvalidRequestContentException"),
        ("too-large", "413"),
    ] {
        let error = call(&url, function).await.unwrap_err();
        let TargetError::Failed(reason) = &error else { panic!("{function}: {error:?}") };
        assert!(reason.contains(expected) && reason.contains(function), "{reason}");
    }
}

#[tokio::test]
async fn a_function_that_cannot_be_invoked_is_unreachable_and_invoked_once() {
    let (url, calls) = endpoint().await;
    for (function, expected) in [
        ("nowhere", "deployed"),
        ("forbidden", "lambda:InvokeFunction"),
        ("throttled", "concurrency"),
        ("broken", "said ServiceException"),
        ("gone-gateway", "502"),
        ("busy-emulator", "400"),
    ] {
        let before = calls.load(Ordering::Relaxed);
        let error = call(&url, function).await.unwrap_err();
        let TargetError::Unreachable(reason) = &error else { panic!("{function}: {error:?}") };
        assert!(reason.contains(expected) && reason.contains(function), "{reason}");
        assert_eq!(calls.load(Ordering::Relaxed) - before, 1, "{function}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_reported_at_once() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let began = Instant::now();
    let error = call(&url, "echo").await.unwrap_err();
    assert!(began.elapsed() < BUSY);
    let TargetError::Unreachable(reason) = error else { panic!("{error:?}") };
    assert!(reason.contains("refused") && reason.contains("check the endpoint"), "{reason}");
}

#[tokio::test]
async fn an_invocation_ends_at_its_time_limit() {
    let (url, calls) = endpoint().await;
    let patience = Duration::from_millis(200);
    let began = Instant::now();
    let target = LambdaTarget::new(&client(&url).await, "slow", patience);
    let error = target.invoke(Vec::new()).await.unwrap_err();
    assert!((patience..BUSY).contains(&began.elapsed()));
    let TargetError::Unreachable(reason) = error else { panic!("{error:?}") };
    assert!(reason.contains("200ms"), "{reason}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let words = "ä".repeat(FUNCTION_TEXT_CHARS_MAX + 1);
    assert_eq!(shortened(&words).chars().count(), FUNCTION_TEXT_CHARS_MAX);
    assert_eq!(shortened("short"), "short");
}
