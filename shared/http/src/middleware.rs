//! The layers around a finished router: every error becomes a problem, and each request is logged, traced and counted.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, StatusCode};
use orderflow_telemetry::TraceParent;
use percent_encoding::percent_decode_str;
use tracing::{Instrument, Span, field};

use crate::headers::harden;
use crate::problem::log_ended_failures;
use crate::{MAX_BODY_BYTES, Problem, ProblemKind, Trace, metrics, trace};

/// The route in logs and metrics of a request that matches no route.
const UNMATCHED: &str = "none";

/// The prefix of the routes of the API.
const API: &str = "/api/";

/// Adds the shared layers to a finished router. Must be called last.
///
/// - Unknown paths, paths that are not UTF-8, and wrong methods (with `Allow`) become problems, and so does every error response
///   without a body or with plain text, such as axum's own rejections.
/// - A panic becomes 503 and is logged; its message is not sent. This needs unwinding: with `panic = "abort"` the process ends.
/// - Responses have the headers by which a browser handles them with care: `nosniff`, no frames, no caches where data may be personal.
/// - No extractor reads more than [`MAX_BODY_BYTES`].
/// - Each request runs in a span with its `trace.id` and logs one line with method, route, status and `elapsed_ms`: at debug level
///   for a read that succeeded, else at info level. Path and query are not logged, since a client may put anything into them.
/// - Each request is counted and timed. Requests to the API are exported as spans.
pub fn with_fallbacks(router: impl Into<Router>) -> Router {
    router.into().layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).layer(from_fn(observe))
}

async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, route) = (request.method().clone(), route(&request));
    let path = request.uri().path().to_owned();
    let cause = trace::cause(request.headers());
    let trace = Trace::caused_by(cause.as_ref());
    let span = tracing::error_span!("request", trace.id = trace.0.trace_id());
    let exported = exported_span(&method, &route, cause.as_ref(), &trace);
    request.extensions_mut().insert(trace);
    let answering = async {
        let response = answer(request, next).await;
        log(&method, &route, response.status(), started);
        response
    };
    let mut response = answering.instrument(span).await;
    harden(&path, &mut response);
    metrics::record_response(&method, &route, response.status(), started.elapsed());
    end(&exported, response.status());
    response
}

fn route(request: &Request) -> String {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or_else(|| UNMATCHED.to_owned(), |matched| matched.as_str().to_owned())
}

async fn answer(request: Request, next: Next) -> Response {
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return Problem::not_found().into_response();
    }
    AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .map_or_else(|panic| after_panic(panic.as_ref()), in_contract)
}

/// Returns the span that is exported for a request. Requests for health and metrics arrive every few seconds and are not exported.
fn exported_span(method: &Method, route: &str, cause: Option<&TraceParent>, trace: &Trace) -> Span {
    if !route.starts_with(API) {
        return Span::none();
    }
    tracing::info_span!(
        "request",
        traceparent = cause.map(tracing::field::display),
        span.traceparent = %trace.0,
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = field::Empty,
    )
}

fn end(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

fn after_panic(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    Problem::unavailable(format!("a handler panicked: {message}")).into_response()
}

/// Replaces an error response without a structured body by the problem of its status. Keeps other headers, such as `Allow`.
fn in_contract(response: Response) -> Response {
    let Some(kind) = ProblemKind::of_status(response.status()) else {
        return response;
    };
    let structured = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| !value.as_bytes().starts_with(b"text/plain"));
    if structured {
        return response;
    }
    let mut problem = Problem::of_status(kind).into_response();
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

fn log(method: &Method, route: &str, status: StatusCode, started: Instant) {
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    if !status.is_server_error() {
        log_ended_failures();
    }
    let status = status.as_u16();
    if method.is_safe() && status < 400 {
        tracing::debug!(%method, route, status, elapsed_ms, "answered a request");
    } else {
        tracing::info!(%method, route, status, elapsed_ms, "answered a request");
    }
}

#[cfg(test)]
#[path = "middleware_tests.rs"]
mod tests;
