//! Consumers that an operator pauses and resumes.

use serde_json::{Value, json};

use crate::server::Server;

async fn status_of(server: &Server, order: &str) -> Value {
    server.get(&format!("/api/v1/orders/{order}")).await["status"].clone()
}

/// Runs `orderflow consumer ...`, and returns the state of a consumer that it prints.
fn consumer(server: &Server, command: &[&str], name: &str) -> Value {
    let run = server.client(&[&["consumer"], command, &["--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let printed: Value = serde_json::from_str(&run.out).unwrap();
    let consumers = printed["consumers"].as_array().unwrap();
    consumers.iter().find(|consumer| consumer["consumer"] == name).unwrap().clone()
}

#[tokio::test]
async fn a_pause_outlives_a_restart_and_ends_when_the_consumer_is_resumed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path());
    assert_eq!(consumer(&server, &["pause", "payment"], "payment")["paused"], true);
    let order = server.place("PRODUCT-002", "C1").await.unwrap();
    let reserved = async |server: &Server| status_of(server, &order).await == "reserved";
    server.wait_until("the order waits for its payment", reserved).await;
    assert!(server.stop().success());

    let server = Server::on(data.path());
    let waits = async |server: &Server| {
        let health = server.body("/health").await;
        health["parts"]["payment"]["state"] == "stopped" && health["parts"]["payment"]["waiting"] == 1
    };
    server.wait_until("the payment waits again", waits).await;
    let paused = consumer(&server, &["list"], "payment");
    assert_eq!(paused["paused"], true, "{paused}");
    let waiting = ["ready", "delayed"].map(|count| paused[count].as_u64().unwrap());
    assert_eq!(waiting.iter().sum::<u64>(), 1, "{paused}");
    assert!(paused["since"].is_string());
    // A fault that ends is not the pause of an operator.
    server.put("/api/v1/admin/faults", &json!({"stopped": []})).await;
    assert_eq!(status_of(&server, &order).await, "reserved");

    assert_eq!(consumer(&server, &["resume", "payment"], "payment")["paused"], false);
    let confirmed = async |server: &Server| status_of(server, &order).await == "confirmed";
    server.wait_until("the order is confirmed", confirmed).await;
    assert!(server.stop().success());
}

#[tokio::test]
async fn an_unknown_consumer_is_named() {
    let server = Server::ephemeral();
    let run = server.client(&["consumer", "pause", "payments"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("payments"), "{}", run.err);
}
