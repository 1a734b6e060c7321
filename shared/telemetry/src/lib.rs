//! Structured logs, traces and metrics, the same on Lambda and elsewhere.
//!
//! Rules for logs: a message is understandable by itself; ids are fields (`order.id`, `event.type`, `trace.id`); names of fields
//! contain the unit (`elapsed_ms`); one fact is one line; secrets, e-mail addresses and phone numbers are never logged in clear text.
//!
//! Every line names its service. If a process runs several services, each runs inside a span with a field `service`, which is then
//! in its lines. Such a span must be an `error_span!`: a span below the level of `RUST_LOG` is not created, and its fields are lost.

mod audit;
mod error;
mod fields;
mod format;
mod init;
mod layer;
mod line;
mod log_writer;
mod metrics;
mod spans;
pub mod trace_context;

pub use audit::{AuditEntry, audited_ids};
pub use error::TelemetryError;
pub use format::LogFormat;
pub use init::{Telemetry, TelemetrySettings, init};
pub use layer::{LogLayer, layer};
pub use metrics::{EmbeddedMetrics, EmbeddedMetricsError, METRICS, Metric, MetricKind, MetricsPage};
pub use trace_context::TraceParent;
