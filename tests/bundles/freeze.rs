//! Metrics and spans of a bundle before Lambda freezes its environment, which is when the runtime asks for the next event.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use orderflow_embedded::Embedded;
use orderflow_store::Store;
use orderflow_system::TABLES;
use orderflow_testing::collector::{CollectedSpan, Collector};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::facts::order_confirmed;
use crate::world::{PREFIX, bundle_path};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_and_spans_are_sent_before_the_next_event_is_requested() {
    let collector = Collector::start().await.unwrap();
    let mut api = RuntimeApi::start(collector.clone(), batch()).await;
    let mut bundle = start("notification", &api, &collector, &serve_tables().await);

    assert!(matches!(api.calls.recv().await.unwrap(), RuntimeCall::Next(spans) if spans.is_empty()));
    let RuntimeCall::Response(answer) = api.calls.recv().await.unwrap() else { panic!("no response") };
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let RuntimeCall::Next(spans) = api.calls.recv().await.unwrap() else { panic!("two responses") };
    let [span] = &spans[..] else { panic!("not one span: {spans:?}") };
    assert_eq!((span.service.as_str(), span.name.as_str()), ("notification", "notification order.confirmed"));
    assert_eq!((span.trace_id.as_str(), span.attributes["outcome"].as_str()), (TRACE, "done"));

    // The bundle waits for the next event, so its output is in the pipe.
    let told = BufReader::new(bundle.stdout.take().unwrap()).lines();
    let mut told = told.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let counted = told.find(|line| line["deliveries_total"] == 1).unwrap();
    assert_eq!((&counted["service"], &counted["outcome"]), (&json!("notification"), &json!("done")));
    assert_eq!(counted["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Orderflow");
    bundle.kill().unwrap();
    bundle.wait().unwrap();
}

/// Returns a batch with a confirmed order and a trace, as Lambda sends it for SQS: for those records the bundle counts the deliveries itself.
fn batch() -> Value {
    let mut event = order_confirmed("01935f5a-7c00-7000-8000-000000000001");
    event.traceparent = Some(format!("00-{TRACE}-00f067aa0ba902b7-01"));
    json!({"Records": [{"messageId": "0", "body": event.to_json(), "eventSource": "aws:sqs"}]})
}

async fn serve_tables() -> String {
    let embedded = Embedded::in_memory().unwrap();
    let store = Store::new(embedded.backend(), PREFIX);
    store.create_missing_tables(TABLES).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, embedded.router()).into_future());
    endpoint
}

fn start(bundle: &str, api: &RuntimeApi, collector: &Collector, tables: &str) -> Child {
    Command::new(bundle_path(bundle))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", api.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", bundle),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_ENDPOINT_URL_DYNAMODB", tables),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("ORDERFLOW_PREFIX", PREFIX),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A call of a bundle's runtime to the runtime API.
#[derive(Debug)]
enum RuntimeCall {
    /// It asked for the next event; these spans had arrived.
    Next(Vec<CollectedSpan>),
    /// It returned a response.
    Response(Value),
}

/// Lambda's runtime API with a single event.
struct RuntimeApi {
    address: String,
    calls: mpsc::UnboundedReceiver<RuntimeCall>,
}

#[derive(Clone)]
struct Seen {
    collector: Collector,
    events: Arc<Mutex<VecDeque<Value>>>,
    calls: mpsc::UnboundedSender<RuntimeCall>,
}

impl RuntimeApi {
    async fn start(collector: Collector, event: Value) -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let seen = Seen { collector, events: Arc::new(Mutex::new([event].into())), calls: sender };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{end}", post(answered))
            .with_state(seen);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }
}

async fn next(State(seen): State<Seen>) -> Response {
    seen.calls.send(RuntimeCall::Next(seen.collector.spans())).unwrap();
    let event = seen.events.lock().unwrap().pop_front();
    let Some(event) = event else { return std::future::pending().await };
    let headers = [
        ("lambda-runtime-aws-request-id", "1"),
        ("lambda-runtime-deadline-ms", "4000000000000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:orderflow"),
    ];
    (headers, event.to_string()).into_response()
}

async fn answered(
    State(seen): State<Seen>,
    Path((_, end)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    assert_eq!(end, "response", "{body}");
    seen.calls.send(RuntimeCall::Response(serde_json::from_str(&body).unwrap())).unwrap();
    StatusCode::ACCEPTED
}
