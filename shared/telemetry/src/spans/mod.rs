//! Spans on their way to a collector, by OTLP over HTTP.
//!
//! Libraries make them with the facade crate `tracing`: a span with a field `traceparent` is exported, any other is not. The field
//! names the span that caused it, as a W3C header; empty, a new trace begins. These fields have a meaning of their own:
//!
//! | field | says |
//! |---|---|
//! | `span.traceparent` | the span's own place, where others were told of it already |
//! | `otel.name` | its name, where that is known only while running |
//! | `otel.kind` | `server`, `consumer` or `producer` |
//! | `otel.status_code` | `ERROR` where it failed |
//!
//! Every other field is an attribute. Ids are taken as they stand in the events, so one order is one trace through every process. Where
//! nothing is exported such a span is not even made.

mod collector;
mod export;
mod layer;
mod open_span;

pub(crate) use export::SpanExport;
pub(crate) use layer::{SpanLayer, is_exported};
