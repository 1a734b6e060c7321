//! A server for one test, and clients that write bytes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use orderflow_http::{JsonBody, with_fallbacks};
use orderflow_server::{Deadlines, Server, with_deadlines};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The time limit for anything that must happen, on a machine that compiles at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Short enough to wait for, and long enough to tell apart.
pub(crate) const SHORT: Deadlines = Deadlines {
    head: Duration::from_millis(500),
    body: Duration::from_millis(700),
    handler: Duration::from_millis(900),
    taking: Duration::from_millis(600),
    idle: Duration::from_millis(800),
};

/// Deadlines that no test waits for.
pub(crate) const LONG: Deadlines =
    Deadlines { head: PATIENCE, body: PATIENCE, handler: PATIENCE, taking: PATIENCE, idle: PATIENCE };

/// More than the kernel buffers.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
}

fn routes() -> Router {
    Router::new()
        .route("/fast", get(|| async { "fast" }))
        .route("/large", get(|| async { "x".repeat(LARGE_BYTES) }))
        .route("/hang", get(std::future::pending::<&'static str>))
        .route("/echo", post(|JsonBody(body): JsonBody<Value>| async move { body.to_string() }))
}

pub(crate) async fn start(deadlines: Deadlines, max_connections: usize) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = with_fallbacks(with_deadlines(routes(), deadlines));
    let (stop, stopped) = watch::channel(false);
    let server = Server::new(deadlines).with_max_connections(max_connections);
    let task = tokio::spawn(server.serve(listener, router, stopped));
    Running { address, stop, task }
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(running: &Running) -> Self {
        Self(TcpStream::connect(running.address).await.unwrap())
    }

    pub(crate) async fn with(running: &Running, bytes: &str) -> Self {
        let mut client = Self::connect(running).await;
        client.send(bytes).await;
        client
    }

    pub(crate) async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Returns what the server sends until it closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset ends it too.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("the connection is closed");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends a request and returns its short answer.
    pub(crate) async fn request(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        let mut bytes = [0; 4096];
        let read = timeout(PATIENCE, self.0.read(&mut bytes)).await.unwrap().unwrap_or_default();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    /// Sends one byte after the other until the server closes the connection, at most for a minute.
    pub(crate) async fn drip(mut self, start: &str, byte: &[u8], pause: Duration) {
        self.send(start).await;
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        while begun.elapsed() < PATIENCE {
            if self.0.write_all(byte).await.is_err() {
                return;
            }
            if let Ok(Ok(0) | Err(_)) = timeout(pause, self.0.read(&mut buffer)).await {
                return;
            }
        }
        panic!("the connection is still open");
    }
}
