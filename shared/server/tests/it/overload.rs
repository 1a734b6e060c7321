//! More requests than can be answered in time.

use axum::Router;
use axum::routing::{get, post};
use orderflow_http::{JsonBody, with_fallbacks};
use orderflow_server::{Server, with_deadlines_and_limit};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::client::{Client, LONG, Running};

const MAX: usize = 4;

async fn start() -> Running {
    let routes = Router::new()
        .route("/health", get(|| async { "healthy" }))
        .route("/api/hang", get(std::future::pending::<&'static str>))
        .route("/api/fast", get(|| async { "fast" }))
        .route("/api/echo", post(|JsonBody(body): JsonBody<Value>| async move { body.to_string() }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let router = with_fallbacks(with_deadlines_and_limit(routes, LONG, MAX));
    let task = tokio::spawn(Server::new(LONG).serve(listener, router, stopped));
    Running { address, stop, task }
}

/// Sends requests until one is refused, and returns those that are handled, and the refusal.
async fn overload(running: &Running) -> (Vec<Client>, String) {
    let mut busy = Vec::new();
    for _ in 0..MAX {
        busy.push(Client::with(running, "GET /api/hang HTTP/1.1\r\nhost: x\r\n\r\n").await);
    }
    // The server reads them at some time.
    loop {
        let answer = Client::connect(running).await.request("/api/fast").await;
        if !answer.ends_with("fast") {
            return (busy, answer);
        }
    }
}

#[tokio::test]
async fn a_request_above_the_limit_is_refused_at_once_and_health_is_answered() {
    let running = start().await;
    let (busy, refused) = overload(&running).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("urn:orderflow:problem:overloaded"), "{refused}");
    assert!(Client::connect(&running).await.request("/health").await.ends_with("healthy"));
    // Requests whose clients are gone make room.
    drop(busy);
    while !Client::connect(&running).await.request("/api/fast").await.ends_with("fast") {}
}

#[tokio::test]
async fn requests_that_wait_for_their_bodies_are_not_counted() {
    let running = start().await;
    let head = "POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 3\r\n\r\n[";
    let mut slow = Vec::new();
    for _ in 0..5 * MAX {
        slow.push(Client::with(&running, head).await);
        assert!(Client::connect(&running).await.request("/api/fast").await.ends_with("fast"));
    }
    for client in &mut slow {
        client.send("1]").await;
        let answer = client.rest().await;
        assert!(answer.ends_with("[1]"), "{answer}");
    }
    let (_busy, refused) = overload(&running).await;
    assert!(refused.contains("urn:orderflow:problem:overloaded"), "{refused}");
}
