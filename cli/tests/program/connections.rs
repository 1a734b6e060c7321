//! The number of connections to a store at an endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orderflow_embedded::{Embedded, Location};
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
        let embedded = Embedded::open(Location::Memory).unwrap();
        let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let store = behind.local_addr().unwrap();
        let served = embedded.clone();
        tokio::spawn(async move { served.serve(behind, std::future::pending()).await });
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
