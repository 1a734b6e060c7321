//! The spans of an order.

use std::net::TcpListener;

use orderflow_testing::collector::{CollectedSpan, Collector};
use tokio::task::spawn_blocking;

use crate::server::{Server, up};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn traced(endpoint: &str) -> Server {
    Server::start(up(&["--port", "0", "--ephemeral"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint))
}

#[tokio::test]
async fn an_order_is_one_trace_through_every_part() {
    let collector = Collector::start().await.unwrap();
    let server = traced(collector.endpoint());
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let order = server.place_traced("PRODUCT-002", &traceparent).await;
    let last = "notification order.confirmed";
    let spans = collector.wait_for(|spans| of_trace(spans).any(|span| span.name == last)).await;

    let request = of_trace(&spans).find(|span| span.name == "POST /api/v1/orders").unwrap();
    assert_eq!((request.service.as_str(), request.parent_span_id.as_str()), ("orderflow", CALLER));
    assert_eq!(request.attributes["http.response.status_code"], "202");
    for name in [
        "publish order.placed",
        "inventory-reserve order.placed",
        "payment inventory.reserved",
        "order-tracker inventory.reserved",
        "order-tracker payment.completed",
        "publish order.confirmed",
        last,
    ] {
        let span = of_trace(&spans).find(|span| span.name == name);
        let span = span.unwrap_or_else(|| panic!("no {name}: {spans:#?}"));
        assert_eq!(span.parent_span_id, request.span_id, "{name}");
        assert_eq!(span.attributes["order.id"], order, "{name}");
        assert!(!span.failed, "{span:?}");
    }
    let probes = |span: &CollectedSpan| span.name.contains("/health") || span.name.contains("/metrics");
    assert!(!spans.iter().any(probes), "{spans:#?}");
}

#[tokio::test]
async fn a_stop_exports_the_remaining_spans() {
    let collector = Collector::start().await.unwrap();
    let server = traced(collector.endpoint());
    server.get("/api/v1/orders").await;
    let status = spawn_blocking(move || server.stop()).await.unwrap();
    assert!(status.success(), "{status}");
    assert!(collector.spans().iter().any(|span| span.name == "GET /api/v1/orders"));
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_no_order_and_no_stop() {
    // It accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = traced(&format!("http://{}", silent.local_addr().unwrap()));
    for _ in 0..50 {
        server.place("PRODUCT-002", "C1").await.unwrap();
    }
    server
        .wait_until("all are confirmed", async |server| server.orders("&status=confirmed").await.len() == 50)
        .await;
    let status = spawn_blocking(move || server.stop()).await.unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn the_error_names_an_invalid_collector_endpoint() {
    let run = up(&["--port", "0", "--ephemeral"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "no url").run();
    assert!(run.code == 2 && run.err.contains("OTEL_EXPORTER_OTLP_ENDPOINT: \"no url\""), "{run:?}");
}

fn of_trace(spans: &[CollectedSpan]) -> impl Iterator<Item = &CollectedSpan> {
    spans.iter().filter(|span| span.trace_id == TRACE)
}
