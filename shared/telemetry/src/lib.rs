//! Structured logs, traces and metrics, the same on Lambda and off it.
//!
//! A log rule goes with it. A message can be read alone; ids are also fields (`order.id`,
//! `event.type`, `trace.id`); units stand in names (`elapsed_ms`); one fact is one line; a secret,
//! an e-mail address or a phone number never stands there in the clear.
//!
//! Every line carries the service that speaks. Where one process runs several services, each works
//! inside a span with a field `service`, which then stands in its lines. A span that carries such
//! context must be an `error_span!`: a span below the level that `RUST_LOG` lets through does not
//! exist, and neither do its fields.

mod error;
mod fields;
mod format;
mod init;
mod layer;
mod line;
mod metrics;
mod spans;
pub mod trace_context;

pub use error::TelemetryError;
pub use format::LogFormat;
pub use init::{Telemetry, init};
pub use layer::{LogLayer, layer};
pub use metrics::{EmbeddedMetrics, EmbeddedMetricsError, METRICS, Metric, MetricKind, MetricsPage};
pub use trace_context::TraceParent;
