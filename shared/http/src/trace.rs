//! The trace of a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use orderflow_telemetry::TraceParent;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// The span of this request: a child of the incoming `traceparent`, or the root of a new trace if there is none or an invalid one.
/// The events that the handler causes continue it.
#[derive(Debug, Clone)]
pub struct Trace(pub TraceParent);

impl Trace {
    /// Returns a child span, for a request that this one causes.
    pub(crate) fn caused_by(cause: Option<&TraceParent>) -> Self {
        Self(cause.map_or_else(TraceParent::new, TraceParent::child))
    }
}

/// Returns the span that caused a request with these headers, if they name one.
pub(crate) fn cause(headers: &HeaderMap) -> Option<TraceParent> {
    let mut values = headers.get_all(HEADER).iter();
    values
        .next()
        .and_then(|value| TraceParent::parse(value.to_str().ok()?))
        // With several headers, none can be trusted.
        .filter(|_| values.next().is_none())
}

impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::caused_by(cause(&parts.headers).as_ref())))
    }
}

impl IntoParams for Trace {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.examples(["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]);
        let header = ParameterBuilder::new()
            .name(HEADER.as_str())
            .parameter_in(ParameterIn::Header)
            .schema(Some(text));
        vec![header.description(Some("The trace of this request (W3C Trace Context).")).build()]
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn trace_id(headers: &[&'static str]) -> String {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(HEADER, HeaderValue::from_static(header));
        }
        Trace::caused_by(cause(&map).as_ref()).0.trace_id().to_owned()
    }

    #[test]
    fn an_incoming_traceparent_is_continued() {
        assert_eq!(trace_id(&[SAMPLE]), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_missing_or_invalid_traceparent_starts_a_new_trace() {
        for headers in [&[][..], &["nonsense"], &[SAMPLE, SAMPLE]] {
            let id = trace_id(headers);
            assert_eq!(id.len(), 32);
            assert_ne!(id, "4bf92f3577b34da6a3ce929d0e0e4736");
        }
    }
}
