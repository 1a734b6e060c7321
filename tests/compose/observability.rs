//! Prometheus and Grafana read metrics that the parts report.

use std::collections::BTreeSet;

use orderflow_telemetry::{METRICS, MetricKind};
use serde::Deserialize;
use serde_json::Value;

use crate::{parts, read};

/// The metric that Prometheus records for each target.
const UP: &str = "up";

#[derive(Deserialize)]
struct Scraping {
    rule_files: Vec<String>,
    scrape_configs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    job_name: String,
    static_configs: Vec<Targets>,
}

#[derive(Deserialize)]
struct Targets {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Alerts {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: String,
    expr: String,
}

fn scraping() -> Scraping {
    serde_saphyr::from_str(&read("docker/prometheus/prometheus.yml")).unwrap()
}

fn alerts() -> Vec<Rule> {
    let files = scraping().rule_files;
    let read = |file: &String| serde_saphyr::from_str::<Alerts>(&read(format!("docker/prometheus/{file}")));
    files.iter().flat_map(|file| read(file).unwrap().groups).flat_map(|group| group.rules).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("docker/grafana/dashboards/orderflow.json")).unwrap()
}

/// Returns the expressions of the dashboard with the titles of their panels.
fn shown() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let expressions = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (text(&panel["title"]), text(&target["expr"])))
    });
    expressions.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Returns the series that a PromQL expression reads: every name that is not a function, label or keyword.
fn series(expression: &str) -> BTreeSet<String> {
    let mut rest = expression.to_owned();
    for (from, to) in [("by (", ')'), ("{", '}'), ("[", ']')] {
        while let Some(start) = rest.find(from) {
            let length = rest[start..].find(to).expect("the expression is closed") + 1;
            rest.replace_range(start..start + length, " ");
        }
    }
    let spaced = rest.replace('(', " ( ");
    let apart = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '(');
    let words: Vec<&str> = spaced.split(apart).filter(|word| !word.is_empty()).collect();
    let names = words.iter().zip(words.iter().skip(1).chain([&""]));
    let names =
        names.filter(|(name, next)| name.starts_with(|c: char| c.is_ascii_alphabetic()) && **next != "(");
    names.map(|(name, _)| (*name).to_owned()).collect()
}

/// Returns the series that the parts report.
fn told() -> BTreeSet<String> {
    let names = METRICS.iter().flat_map(|metric| match metric.kind {
        MetricKind::Histogram(_) => {
            ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name)).to_vec()
        }
        _ => vec![metric.name.to_owned()],
    });
    names.chain([UP.to_owned()]).collect()
}

#[test]
fn functions_and_labels_are_not_series() {
    let found =
        series("histogram_quantile(0.99, sum by (le) (rate(a_bucket{le=\"x\"}[5m]))) / max(b_seconds) > 60");
    assert_eq!(found, ["a_bucket", "b_seconds"].map(str::to_owned).into());
}

#[test]
fn every_part_is_scraped() {
    let jobs = scraping().scrape_configs;
    assert_eq!(jobs[0].job_name, "orderflow");
    let scraped: BTreeSet<_> =
        jobs[0].static_configs.iter().flat_map(|config| config.targets.clone()).collect();
    let told =
        parts().into_iter().map(|(name, _, settings)| format!("{name}:{}", settings.serve.port)).collect();
    assert_eq!(scraped, told);
}

#[test]
fn alerts_read_existing_metrics() {
    let (told, alerts) = (told(), alerts());
    assert!(!alerts.is_empty());
    for rule in alerts {
        let series = series(&rule.expr);
        assert!(!series.is_empty() && series.is_subset(&told), "{}: {series:?}", rule.alert);
    }
}

#[test]
fn the_dashboard_reads_existing_metrics() {
    let (told, shown) = (told(), shown());
    assert!(!shown.is_empty());
    for (panel, expression) in shown {
        let series = series(&expression);
        assert!(!series.is_empty() && series.is_subset(&told), "{panel}: {series:?}");
    }
}

#[test]
fn panels_use_an_existing_data_source() {
    let sources: Value = serde_saphyr::from_str(&read("docker/grafana/datasources/orderflow.yml")).unwrap();
    let sources = sources["datasources"].as_array().unwrap();
    let services = crate::services();
    for source in sources {
        let host =
            source["url"].as_str().unwrap().strip_prefix("http://").unwrap().split(':').next().unwrap();
        assert!(services.contains_key(host), "no service {host}");
    }
    for panel in dashboard()["panels"].as_array().unwrap() {
        assert!(
            sources.iter().any(|source| source["uid"] == panel["datasource"]["uid"]),
            "{}",
            panel["title"]
        );
    }
}
