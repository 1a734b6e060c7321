//! A span that has not ended yet.

use std::borrow::Cow;
use std::fmt::Debug;
use std::time::SystemTime;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use orderflow_errors::without_credentials;
use tracing::field::{Field, Visit};

use crate::TraceParent;

/// The recorded data of an open span.
#[derive(Debug)]
pub(super) struct OpenSpan {
    name: Cow<'static, str>,
    kind: SpanKind,
    started: SystemTime,
    place: Option<TraceParent>,
    cause: Option<TraceParent>,
    attributes: Vec<KeyValue>,
    status: Status,
}

impl OpenSpan {
    /// Starts a span now.
    pub(super) fn named(name: &'static str) -> Self {
        Self {
            name: name.into(),
            kind: SpanKind::Internal,
            started: SystemTime::now(),
            place: None,
            cause: None,
            attributes: Vec::new(),
            status: Status::Unset,
        }
    }

    /// Ends the span now.
    pub(super) fn end(self) -> SpanData {
        let cause = self.cause.as_ref();
        let place = self.place.or_else(|| cause.map(TraceParent::child)).unwrap_or_else(TraceParent::new);
        let parent = cause.filter(|cause| cause.trace_id() == place.trace_id());
        SpanData {
            span_context: context(&place),
            parent_span_id: parent.map_or(SpanId::INVALID, span_id),
            parent_span_is_remote: parent.is_some(),
            span_kind: self.kind,
            name: self.name,
            start_time: self.started,
            end_time: SystemTime::now(),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.status,
            instrumentation_scope: InstrumentationScope::builder("orderflow").build(),
        }
    }

    fn set_text(&mut self, name: &'static str, text: &str) {
        match name {
            "traceparent" => self.cause = TraceParent::parse(text),
            "span.traceparent" => self.place = TraceParent::parse(text),
            "otel.name" => self.name = text.to_owned().into(),
            "otel.kind" => self.kind = kind(text),
            "otel.status_code" if text == "ERROR" => self.status = Status::error(""),
            _ => self.set(name, text.to_owned()),
        }
    }

    fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(name, value));
    }
}

fn kind(text: &str) -> SpanKind {
    match text {
        "server" => SpanKind::Server,
        "consumer" => SpanKind::Consumer,
        "producer" => SpanKind::Producer,
        _ => SpanKind::Internal,
    }
}

fn context(place: &TraceParent) -> SpanContext {
    let trace_id = TraceId::from_hex(place.trace_id()).expect("a trace parent's ids are hexadecimal");
    let flags = TraceFlags::default().with_sampled(place.is_sampled());
    SpanContext::new(trace_id, span_id(place), flags, false, TraceState::default())
}

fn span_id(place: &TraceParent) -> SpanId {
    SpanId::from_hex(place.span_id()).expect("a trace parent's ids are hexadecimal")
}

impl Visit for OpenSpan {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.set(field.name(), value),
            // OTLP has no such number type.
            Err(_) => self.set(field.name(), value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field.name(), &without_credentials(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set_text(field.name(), &without_credentials(&format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn ended(fields: &[(&'static str, &str)]) -> SpanData {
        let mut span = OpenSpan::named("work");
        for (name, text) in fields {
            span.set_text(name, text);
        }
        span.end()
    }

    #[test]
    fn a_span_is_a_child_of_its_traceparent() {
        let span = ended(&[("traceparent", CAUSE), ("otel.kind", "consumer"), ("otel.name", "payment")]);
        assert_eq!(span.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
        assert_ne!(span.span_context.span_id(), span.parent_span_id);
        assert!(span.span_context.is_sampled());
        assert_eq!((span.name.as_ref(), span.span_kind), ("payment", SpanKind::Consumer));
    }

    #[test]
    fn span_traceparent_sets_the_ids_of_the_span() {
        let root = ended(&[("span.traceparent", CAUSE)]);
        assert_eq!(root.span_context.span_id().to_string(), "00f067aa0ba902b7");
        assert_eq!(root.parent_span_id, SpanId::INVALID);
    }

    #[test]
    fn without_a_valid_traceparent_a_new_trace_begins() {
        let span = ended(&[("traceparent", "")]);
        assert!(span.span_context.is_valid() && span.parent_span_id == SpanId::INVALID);
    }

    #[test]
    fn the_sampled_flag_of_the_traceparent_is_kept() {
        let span = ended(&[("traceparent", &CAUSE.replace("-01", "-00"))]);
        assert!(!span.span_context.is_sampled());
    }

    #[test]
    fn other_fields_are_attributes_and_failures_set_the_status() {
        let span = ended(&[("order.id", "7"), ("otel.status_code", "ERROR")]);
        assert_eq!(span.attributes, [KeyValue::new("order.id", "7")]);
        assert_eq!(span.status, Status::error(""));
    }
}
