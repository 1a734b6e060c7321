//! What a process counts and measures, as Prometheus reads it.
//!
//! Libraries record through the facade crate `metrics`, by name; [`METRICS`] says what each name means. Where nothing is
//! installed, as in a bundle on Lambda, recording costs next to nothing and goes nowhere.

mod catalogue;
mod page;

pub use catalogue::{METRICS, Metric, MetricKind};
pub use page::MetricsPage;
