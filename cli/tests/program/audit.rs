//! The audit log.

use std::net::TcpListener;
use std::time::Duration;

use orderflow_testing::program::Launch;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::access::{protected, token};
use crate::server::{Server, up};

/// Sends requests, and returns the lines of the log whose target is `audit`.
async fn audited(server: Server, requests: &[(Method, &str, Option<&str>)]) -> Vec<Value> {
    let url = server.url().replace("0.0.0.0", "127.0.0.1");
    for (method, path, token) in requests {
        let mut request = Client::new().request(method.clone(), format!("{url}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !method.is_safe() {
            request = request.json(&json!({}));
        }
        request.send().await.unwrap();
    }
    audit_lines(&server).await
}

/// Returns the lines of the audit log. A thread of the program writes them, so it is read until it does not change.
async fn audit_lines(server: &Server) -> Vec<Value> {
    let mut last = Vec::new();
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<_> = lines.filter(|line| line["target"] == "audit").collect();
        if !lines.is_empty() && lines == last {
            return lines;
        }
        last = lines;
    }
}

#[tokio::test]
async fn each_call_of_an_operator_leaves_one_line_whatever_is_logged() {
    let [operator, support, customer] = [("ops", "operate"), ("support", "orders:read"), ("C1", "")]
        .map(|(subject, scope)| token(subject, scope));
    let (operator, support, customer) = (Some(&*operator), Some(&*support), Some(&*customer));
    let server = Server::start(protected().env("RUST_LOG", "off"));
    let lines = audited(
        server,
        &[
            (Method::GET, "/api/v1/admin/dead-letters/payment", operator),
            (Method::POST, "/api/v1/admin/dead-letters/payment/replay", operator),
            (Method::DELETE, "/api/v1/products/NONE", operator),
            (Method::DELETE, "/api/v1/products/NONE", None),
            (Method::DELETE, "/api/v1/admin/dead-letters/payment?code=bad", operator),
            (Method::GET, "/api/v1/orders?limit=5&customer_id=C7", support),
            // None of an operator.
            (Method::GET, "/api/v1/orders", customer),
            (Method::GET, "/api/v1/products", operator),
            (Method::GET, "/health", None),
            (Method::GET, "/metrics", operator),
        ],
    )
    .await;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| ["who", "operation", "on", "outcome"].map(|name| line[name].as_str().unwrap_or_default()))
        .collect();
    let letters = "/api/v1/admin/dead-letters/{consumer}";
    assert_eq!(
        seen,
        [
            ["ops", &*format!("GET {letters}"), "consumer=payment", "200"],
            ["ops", &*format!("POST {letters}/replay"), "consumer=payment selected=all replayed=0", "200"],
            ["ops", "DELETE /api/v1/products/{sku}", "sku=NONE", "403"],
            ["anonymous", "DELETE /api/v1/products/{sku}", "sku=NONE", "401"],
            ["ops", &*format!("DELETE {letters}"), "consumer=payment code=bad purged=0", "200"],
            ["support", "GET /api/v1/orders", "customer_id=C7", "200"],
        ]
    );
    assert!(lines.iter().all(|line| line["trace.id"].as_str().is_some_and(|id| id.len() == 32)), "{lines:?}");
    assert!(lines.iter().all(|line| line["peer"] == "127.0.0.1"), "{lines:?}");
}

#[tokio::test]
async fn the_source_of_a_call_behind_a_trusted_proxy_is_the_address_that_the_proxy_names() {
    for (trusted, peer) in [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")] {
        let launch = up(&["--port", "0", "--ephemeral"]).env("ORDERFLOW_TRUSTED_PROXIES", trusted);
        let server = Server::start(launch);
        let url = format!("{}/api/v1/admin/queues", server.url());
        let request = Client::new().get(url).header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
        assert!(request.send().await.unwrap().status().is_success());
        let lines = audited(server, &[]).await;
        assert_eq!(
            lines.iter().map(|line| line["peer"].as_str()).collect::<Vec<_>>(),
            [Some(peer)],
            "{trusted}"
        );
    }
}

#[tokio::test]
async fn without_authentication_the_calls_are_those_of_an_unknown_operator() {
    let server = Server::start(up(&["--port", "0", "--ephemeral"]).env("RUST_LOG", "error"));
    let requests = [(Method::GET, "/api/v1/admin/queues", None), (Method::GET, "/api/v1/orders", None)];
    let lines = audited(server, &requests).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["who"], "anonymous");
}

#[test]
fn a_command_that_works_on_the_queues_directly_leaves_its_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Nothing listens there any more.
    drop(listener);
    let broker = format!("amqp://user:hidden@{address}");
    let arguments = ["dlq", "purge", "payment", "--id", "L1", "--yes", "--broker", broker.as_str()];
    let run = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).run();
    let lines = run.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: Vec<_> = lines.filter(|line| line["target"] == "audit").collect();
    assert_eq!(lines.len(), 1, "{}", run.err);
    assert_eq!(lines[0]["operation"], "dlq purge");
    assert_eq!(lines[0]["on"], format!("consumer=payment id=L1 queues={address}"));
    assert_eq!(lines[0]["outcome"], "failed");
    assert!(lines[0]["who"].as_str().unwrap().starts_with("uid="), "{}", run.err);
    assert!(!run.err.contains("hidden"), "{}", run.err);
}
