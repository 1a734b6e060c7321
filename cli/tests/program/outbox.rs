//! The backlog of the relay, in health and metrics.

use std::net::TcpListener;

use serde_json::Value;

use crate::server::{Server, up};

#[tokio::test]
async fn health_and_metrics_show_the_backlog_while_the_broker_is_down() {
    // The listener is dropped, so connections are refused.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let broker = format!("amqp://{address}");
    let server = Server::start(up(&["--port", "0", "--ephemeral", "--broker", &broker]));
    // The demo products emit events too.
    for _ in 0..3 {
        server.place("PRODUCT-002", "C1").await.unwrap();
    }
    server
        .wait_until("eight events are pending", async |server| health(server).await["outbox_pending"] == 8)
        .await;
    let health = health(&server).await;
    assert_eq!((&health["status"], &health["services"]["broker"]), (&"unhealthy".into(), &"down".into()));
    assert!(health["outbox_oldest_seconds"].as_f64() > Some(0.0), "{health}");
    server
        .wait_until("the gauges follow", async |server| {
            let page = server.text("/metrics").await;
            page.lines().any(|line| line == "outbox_pending 8")
        })
        .await;
}

#[tokio::test]
async fn the_backlog_is_empty_once_everything_is_published() {
    let server = Server::ephemeral();
    server.place("PRODUCT-002", "C1").await.unwrap();
    server
        .wait_until("everything is published", async |server| {
            let health = health(server).await;
            health["outbox_pending"] == 0 && health["outbox_oldest_seconds"] == 0.0
        })
        .await;
}

async fn health(server: &Server) -> Value {
    server.body("/health").await
}
