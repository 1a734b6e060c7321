//! Tests metrics as log lines. Runs in its own process, because a process has one recorder.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use metrics::{counter, gauge, histogram};
use orderflow_telemetry::EmbeddedMetrics;
use serde_json::{Value, json};

fn flushed(metrics: EmbeddedMetrics) -> Vec<Value> {
    let mut written = Vec::new();
    metrics.flush(&mut written).unwrap();
    let text = String::from_utf8(written).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_flush_writes_what_changed_since_the_last() {
    let metrics = EmbeddedMetrics::install("payment").unwrap();
    assert!(EmbeddedMetrics::install("again").is_err());
    assert_eq!(flushed(metrics), Vec::<Value>::new());

    counter!("deliveries_total", "consumer" => "payment", "outcome" => "done").increment(3);
    histogram!("event_lag_seconds", "consumer" => "payment").record(0.25);
    histogram!("event_lag_seconds", "consumer" => "payment").record(0.5);
    counter!("deliveries_total", "consumer" => "payment", "outcome" => "retry").increment(1);
    let lines = flushed(metrics);
    assert_eq!(lines.len(), 2, "labels with different values have lines of their own: {lines:?}");
    let directive_of = |line: &Value, metric: &str| -> Value {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        directives.iter().find(|directive| directive["Metrics"][0]["Name"] == metric).unwrap().clone()
    };
    for (outcome, count) in [("done", 3), ("retry", 1)] {
        let line = lines.iter().find(|line| line["outcome"] == outcome).unwrap();
        assert_eq!((&line["service"], &line["deliveries_total"]), (&json!("payment"), &json!(count)));
        let directive = directive_of(line, "deliveries_total");
        assert_eq!(directive["Namespace"], "Orderflow");
        assert_eq!(directive["Dimensions"], json!([["service", "consumer", "outcome"]]));
        assert_eq!(directive["Metrics"], json!([{"Name": "deliveries_total", "Unit": "Count"}]));
    }
    let lag = lines.iter().find(|line| line["event_lag_seconds"].is_array()).unwrap();
    assert_eq!(lag["event_lag_seconds"], json!([0.25, 0.5]));
    let directive = directive_of(lag, "event_lag_seconds");
    assert_eq!(directive["Metrics"][0]["Unit"], "Seconds");
    assert_eq!(directive["Dimensions"], json!([["service", "consumer"]]), "its own labels only");

    assert_eq!(flushed(metrics), Vec::<Value>::new(), "nothing changed");
    counter!("deliveries_total", "consumer" => "payment", "outcome" => "done").increment(1);
    assert_eq!(flushed(metrics)[0]["deliveries_total"], 1);
    gauge!("circuit_breaker_state", "breaker" => "payment-gateway").set(2.0);
    assert_eq!(flushed(metrics)[0]["circuit_breaker_state"], 2.0);
    assert_eq!(flushed(metrics)[0]["circuit_breaker_state"], 2.0, "a gauge is written with its value");
}
