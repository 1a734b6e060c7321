//! The metrics of the program.

use serde_json::json;

use crate::server::{Server, up};

/// Returns the value of a series, or `None` if the page does not have it.
pub(crate) async fn value(server: &Server, series: &str) -> Option<f64> {
    let page = server.text("/metrics").await;
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn an_outage_of_the_payment_provider_opens_the_breaker_and_delays_orders_until_it_ends() {
    const STATE: &str = r#"circuit_breaker_state{breaker="payment-gateway"}"#;
    let transitions =
        |to| format!(r#"circuit_breaker_transitions_total{{breaker="payment-gateway",to="{to}"}}"#);
    let deliveries = |outcome| format!(r#"deliveries_total{{consumer="payment",outcome="{outcome}"}}"#);
    let server = Server::ephemeral();
    assert_eq!(value(&server, STATE).await, Some(0.0));
    server.put("/api/v1/admin/faults", &json!({"payment": "down"})).await;
    for _ in 0..20 {
        server.place("PRODUCT-002", "C1").await.unwrap();
    }
    server
        .wait_until("the breaker is half open", async |server| {
            value(server, &transitions("half_open")).await.is_some()
        })
        .await;
    assert!(value(&server, &transitions("open")).await >= Some(1.0));
    assert!(value(&server, &deliveries("deferred")).await >= Some(1.0));

    server.put("/api/v1/admin/faults", &json!({"payment": "ok"})).await;
    server
        .wait_until("all are confirmed", async |server| server.orders("&status=confirmed").await.len() == 20)
        .await;
    assert_eq!(value(&server, STATE).await, Some(0.0));
    assert_eq!(value(&server, &transitions("closed")).await, Some(1.0));
    assert_eq!(value(&server, &deliveries("dead_lettered")).await, None);
}

#[tokio::test]
async fn every_metric_has_a_type_and_a_help_text() {
    let server = Server::ephemeral();
    let id = server.place("PRODUCT-002", "C1").await.unwrap();
    server
        .wait_until("the order is confirmed", async |server| {
            server.get(&format!("/api/v1/orders/{id}")).await["status"] == "confirmed"
        })
        .await;
    let page = server.text("/metrics").await;
    for consumer in ["inventory-reserve", "order-tracker", "payment"] {
        let lag = format!(r#"event_lag_seconds_count{{consumer="{consumer}"}}"#);
        assert!(page.lines().any(|line| line.starts_with(&lag)), "{lag}:\n{page}");
    }
    let typed: Vec<_> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(typed.len() >= 4, "{page}");
    for name in typed {
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help text:\n{page}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_status_and_new_orders_once() {
    let server = Server::ephemeral();
    server.place("PRODUCT-002", "C1").await.unwrap();
    assert_eq!(server.post("/api/v1/orders", &json!({})).await, 422);
    for (series, count) in [
        (r#"http_requests_total{method="POST",route="/api/v1/orders",status="202"}"#, 1.0),
        (r#"http_requests_total{method="POST",route="/api/v1/orders",status="422"}"#, 1.0),
        (r#"http_request_duration_seconds_count{method="POST",route="/api/v1/orders"}"#, 2.0),
        ("orders_created_total", 1.0),
        ("orders_created_duration_seconds_count", 1.0),
    ] {
        assert_eq!(value(&server, series).await, Some(count), "{series}");
    }
}

#[tokio::test]
async fn the_first_order_after_a_start_hits_the_catalog_cache() {
    let data = tempfile::tempdir().unwrap();
    assert!(Server::on(data.path()).stop().success());
    let again = up(&["--port", "0", "--data-dir", data.path().to_str().unwrap()]);
    let server = Server::start(again.env("CATALOG_CACHE_TTL", "1h"));
    server.place("PRODUCT-002", "C1").await.unwrap();
    let lookups = |outcome| format!(r#"catalog_cache_lookups_total{{outcome="{outcome}"}}"#);
    assert_eq!(value(&server, &lookups("hit")).await, Some(1.0));
    assert_eq!(value(&server, &lookups("miss")).await, None);
}
