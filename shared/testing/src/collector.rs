//! A collector of OpenTelemetry spans.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use tokio::net::TcpListener;

use crate::{Error, Result};

/// The longest time that spans may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

type Spans = Arc<Mutex<Vec<CollectedSpan>>>;

/// Receives spans by OTLP over HTTP, like Jaeger and the OpenTelemetry Collector. Runs until the runtime that started it ends.
#[derive(Debug, Clone)]
pub struct Collector {
    endpoint: String,
    spans: Spans,
}

/// A received span. Ids are hexadecimal.
#[derive(Debug, Clone)]
pub struct CollectedSpan {
    /// The service that sent it.
    pub service: String,
    /// The name.
    pub name: String,
    /// The trace id.
    pub trace_id: String,
    /// The span id.
    pub span_id: String,
    /// The id of the parent span; empty if it has none.
    pub parent_span_id: String,
    /// The attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether the status of the span is an error.
    pub failed: bool,
}

impl Collector {
    /// Starts a collector on a free port.
    ///
    /// # Errors
    /// [`Error::System`] if it cannot listen.
    pub async fn start() -> Result<Self> {
        let listening = Error::system("listen as a collector");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(listening)?;
        let address = listener.local_addr().map_err(Error::system("read the address of the collector"))?;
        let spans = Spans::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(spans.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { endpoint: format!("http://{address}"), spans })
    }

    /// Returns the value for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the spans received so far.
    #[must_use]
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the received spans satisfy a condition, and returns them.
    ///
    /// # Panics
    /// The condition is not satisfied within a minute.
    pub async fn wait_for(&self, enough: impl Fn(&[CollectedSpan]) -> bool) -> Vec<CollectedSpan> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans = self.spans();
            if enough(&spans) {
                return spans;
            }
            assert!(Instant::now() < deadline, "only these spans arrived: {spans:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let arrived = request.resource_spans.into_iter().flat_map(collected);
    spans.lock().unwrap_or_else(PoisonError::into_inner).extend(arrived);
    StatusCode::OK
}

fn collected(of_resource: ResourceSpans) -> Vec<CollectedSpan> {
    let resource = of_resource.resource.unwrap_or_default();
    let service = texts(resource.attributes).remove("service.name").unwrap_or_default();
    let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(|span| CollectedSpan::of(span, service.clone())).collect()
}

impl CollectedSpan {
    fn of(span: Span, service: String) -> Self {
        Self {
            service,
            name: span.name,
            trace_id: hex(&span.trace_id),
            span_id: hex(&span.span_id),
            parent_span_id: hex(&span.parent_span_id),
            attributes: texts(span.attributes),
            failed: span.status.is_some_and(|status| status.code == ERROR),
        }
    }
}

/// The value of `STATUS_CODE_ERROR` in the protocol.
const ERROR: i32 = 2;

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: AnyValue| match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|a| (a.key, a.value.map(text).unwrap_or_default())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}
