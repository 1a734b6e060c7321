//! What a process counts and measures: a page that Prometheus reads, or log lines that CloudWatch reads.
//!
//! Libraries record through the facade crate `metrics`, by name; [`METRICS`] says what each name means. Where nothing is
//! installed recording costs next to nothing and goes nowhere.

mod catalogue;
mod embedded;
mod page;

use metrics::{describe_counter, describe_gauge, describe_histogram};

pub use catalogue::{METRICS, Metric, MetricKind};
pub use embedded::{EmbeddedMetrics, EmbeddedMetricsError};
pub use page::MetricsPage;

/// Tells the recorder of this process what each name means.
fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.unit, metric.help),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.unit, metric.help),
            MetricKind::Histogram(_) => describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}
