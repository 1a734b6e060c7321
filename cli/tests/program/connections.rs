//! Connections: how many the program makes to a store at an endpoint, and how many it accepts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use orderflow_embedded::Embedded;
use orderflow_testing::program::{Launch, PATIENCE, Program, Signal};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Server, up};

const ORDERS: usize = 100;

/// A store behind a proxy that counts connections.
struct CountedStore {
    embedded: Embedded,
    url: String,
    connections: Arc<AtomicU64>,
}

impl CountedStore {
    async fn start() -> Self {
        let embedded = Embedded::in_memory().unwrap();
        let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let store = behind.local_addr().unwrap();
        tokio::spawn(axum::serve(behind, embedded.router()).into_future());
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", front.local_addr().unwrap());
        let connections = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = front.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut store = TcpStream::connect(store).await.unwrap();
                    // It fails when the program is killed.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut store).await;
                });
            }
        });
        Self { embedded, url, connections }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_store_are_reused() {
    let store = CountedStore::start().await;
    let server = Server::start(up(&["--port", "0", "--dynamodb-endpoint", &store.url]));
    for _ in 0..ORDERS {
        server.place("PRODUCT-002", "C1").await.unwrap();
    }
    server
        .wait_until("all are confirmed", async |server| {
            server.orders("&status=confirmed").await.len() == ORDERS
        })
        .await;
    let (requests, connections) =
        (store.embedded.requests().total(), store.connections.load(Ordering::Relaxed));
    assert!(connections * 10 < requests, "{connections} connections for {requests} requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_do_not_shut_others_out() {
    let script = format!("ulimit -n 256; exec {} up --port 0 --ephemeral", env!("CARGO_BIN_EXE_orderflow"));
    let program = Launch::new("/bin/sh", ["-c", script.as_str()]).start();
    let address = program.url().trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    for path in ["/health", "/api/v1/products"] {
        // A new connection for each.
        let response =
            reqwest::Client::new().get(format!("{}{path}", program.url())).timeout(PATIENCE).send().await;
        assert_eq!(response.unwrap().status(), 200, "{path}");
    }
    assert_eq!(program.log().matches("limit of connections").count(), 1, "{}", program.log());
}

#[tokio::test]
async fn half_a_header_is_closed_within_its_deadline() {
    let server = Server::ephemeral();
    let mut client = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: te").await.unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_answered_in_time_while_the_store_hangs() {
    let store: Program =
        Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["store", "--port", "0", "--ephemeral"]).start();
    let server = Server::start(up(&["--port", "0", "--dynamodb-endpoint", store.url()]));
    assert!(server.place("PRODUCT-001", "C1").await.is_some());
    store.signal(Signal::STOP);
    let order = json!({"customer_id": "C1", "email": "c@example.com", "items": [{"sku": "PRODUCT-001", "quantity": 1}]});
    let started = Instant::now();
    let request = reqwest::Client::new().post(format!("{}/api/v1/orders", server.url())).json(&order);
    let response = request.timeout(PATIENCE).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(response.json::<Value>().await.unwrap()["type"], "urn:orderflow:problem:unavailable");
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    store.signal(Signal::CONT);
}
