//! Exports spans to a collector, by OTLP over HTTP.
//!
//! Libraries create spans with the facade crate `tracing`. A span with a field `traceparent` is exported, any other is not. The field
//! names the parent span as a W3C header; if it is empty, a new trace begins. These fields have a special meaning:
//!
//! | field | meaning |
//! |---|---|
//! | `span.traceparent` | the span's own ids, if they were sent to others before the span began |
//! | `otel.name` | the span's name, if it is known only at run time |
//! | `otel.kind` | `server`, `consumer` or `producer` |
//! | `otel.status_code` | `ERROR` if the operation failed |
//!
//! Every other field is an attribute. Trace ids are those in the events, so an order is one trace through all processes. Without a
//! collector such spans are not created.

mod collector;
mod export;
mod layer;
mod open_span;

pub(crate) use export::{CollectorUrl, SpanExport};
pub(crate) use layer::{SpanLayer, is_exported};
