//! The metrics of a process, as a page for Prometheus or as log lines for CloudWatch.
//!
//! Libraries record through the facade crate `metrics`, by name; [`METRICS`] describes each name. Without an installed recorder,
//! recording does nothing and costs next to nothing.

mod catalogue;
mod embedded;
mod merged;
mod page;

use metrics::{describe_counter, describe_gauge, describe_histogram};

pub use catalogue::{METRICS, Metric, MetricKind};
pub use embedded::{EmbeddedMetrics, EmbeddedMetricsError};
pub use page::MetricsPage;

/// Registers the description of each metric with the recorder of this process.
fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.unit, metric.help),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.unit, metric.help),
            MetricKind::Histogram(_) => describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}
