//! The metrics page for Prometheus.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{METRICS, MetricKind, describe};

/// The interval at which recorded values are sorted into buckets. Until then each value is kept in memory.
const UPKEEP: Duration = Duration::from_secs(5);

static PAGE: OnceLock<MetricsPage> = OnceLock::new();

/// The metrics of this process. Clones share the same page.
#[derive(Clone)]
pub struct MetricsPage(PrometheusHandle);

impl MetricsPage {
    /// Returns the page of the process. Metrics recorded before the first call are lost; later calls return the same page.
    pub fn install() -> Self {
        PAGE.get_or_init(Self::set_up).clone()
    }

    /// Returns the current page in Prometheus' text format 0.0.4.
    pub fn render(&self) -> String {
        self.0.render()
    }

    fn set_up() -> Self {
        let recorder = recorder();
        let page = Self(recorder.handle());
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics page stays empty: the process already has a recorder");
            return page;
        }
        describe();
        let upkeep = page.0.clone();
        // A thread and not a task, because the page outlives every async runtime of the process.
        thread::spawn(move || {
            loop {
                thread::sleep(UPKEEP);
                upkeep.run_upkeep();
            }
        });
        page
    }
}

fn recorder() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let MetricKind::Histogram(bounds) = metric.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)
                .expect("every histogram of the catalogue has bounds");
        }
    }
    builder.build_recorder()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_systems_in_one_process_share_the_page() {
        let (first, second) = (MetricsPage::install(), MetricsPage::install());
        metrics::counter!("deliveries_total", "consumer" => "shared", "outcome" => "done").increment(2);
        let line = r#"deliveries_total{consumer="shared",outcome="done"} 2"#;
        for page in [first, second] {
            let text = page.render();
            assert!(text.lines().any(|found| found == line), "{text}");
        }
    }

    #[test]
    fn every_metric_is_on_the_page_with_its_help_and_type() {
        let page = MetricsPage::install();
        for metric in METRICS {
            let expected = match metric.kind {
                MetricKind::Counter => {
                    metrics::counter!(metric.name, "consumer" => "described").increment(1);
                    "counter"
                }
                MetricKind::Gauge => {
                    metrics::gauge!(metric.name, "consumer" => "described").set(1.0);
                    "gauge"
                }
                MetricKind::Histogram(_) => {
                    metrics::histogram!(metric.name, "consumer" => "described").record(1.0);
                    "histogram"
                }
            };
            let text = page.render();
            let help = format!("# HELP {} {}", metric.name, metric.help);
            let kind = format!("# TYPE {} {expected}", metric.name);
            assert!(text.contains(&help) && text.contains(&kind), "{}:\n{text}", metric.name);
        }
    }

    #[test]
    fn event_lag_is_counted_in_its_bucket() {
        let page = MetricsPage::install();
        metrics::histogram!("event_lag_seconds", "consumer" => "bucketed").record(0.3);
        let text = page.render();
        for (bound, count) in [("0.25", 0), ("0.5", 1), ("+Inf", 1)] {
            let line = format!(r#"event_lag_seconds_bucket{{consumer="bucketed",le="{bound}"}} {count}"#);
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }

    #[test]
    fn names_end_with_their_units_and_bounds_increase() {
        for metric in METRICS {
            assert_eq!(metric.unit == metrics::Unit::Seconds, metric.name.ends_with("_seconds"));
            assert_eq!(
                metric.kind == MetricKind::Counter,
                metric.name.ends_with("_total"),
                "{}",
                metric.name
            );
            if let MetricKind::Histogram(bounds) = metric.kind {
                assert!(bounds.is_sorted() && !bounds.is_empty(), "{}", metric.name);
            }
        }
    }

    #[test]
    fn the_reference_page_lists_every_metric() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/metrics.md");
        let page = std::fs::read_to_string(page).unwrap();
        for metric in METRICS {
            let row = page.lines().any(|line| line.starts_with(&format!("| `{}", metric.name)));
            assert!(row, "docs/reference/metrics.md has no row for {}", metric.name);
        }
    }
}
