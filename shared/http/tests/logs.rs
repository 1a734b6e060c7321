//! Tests the log of a request. Runs in its own process, because a process has one log.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use orderflow_http::with_fallbacks;
use orderflow_telemetry::{LogFormat, layer};
use serde_json::Value;
use tower::ServiceExt;
use tracing_subscriber::layer::SubscriberExt;

/// Collects the log.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn panicking() {
    panic!("the secret of the handler");
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_cause_and_the_request_once() {
    let sink = Sink::default();
    let writer = sink.clone();
    let logs = layer("shop", LogFormat::Json, move || writer.clone());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(logs));

    let router = with_fallbacks(Router::new().route("/api/v1/panic", get(panicking)));
    let request = Request::get("/api/v1/panic?customer_id=secret").body(Body::empty()).unwrap();
    router.oneshot(request).await.unwrap();

    let lines = sink.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["error"], "a handler panicked: the secret of the handler");
    assert_eq!(lines[1]["level"], "INFO");
    assert_eq!(lines[1]["method"], "GET");
    assert_eq!(lines[1]["route"], "/api/v1/panic");
    assert_eq!(lines[1]["status"], 503);
    assert!(lines[1]["elapsed_ms"].is_number());
    assert_eq!(lines[0]["trace.id"], lines[1]["trace.id"]);
    assert_eq!(lines[1]["trace.id"].as_str().unwrap().len(), 32);
}
