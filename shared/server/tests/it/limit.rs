//! The limit of connections.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::client::{Client, LONG, start};

const MAX: usize = 20;

/// Collects log lines.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).matches(text).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_for_a_new_one_and_one_line_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::INFO).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let running = start(LONG, MAX).await;
    let mut used = Client::connect(&running).await;
    assert!(used.request("/fast").await.ends_with("fast"));
    let mut idle = Vec::new();
    for _ in 0..5 * MAX {
        idle.push(Client::connect(&running).await);
    }
    let mut late = Client::connect(&running).await;
    assert!(late.request("/fast").await.ends_with("fast"));
    assert_eq!(log.count("idle ones are closed for new ones"), 1);
    for client in &mut idle[..3 * MAX] {
        assert_eq!(client.rest().await, "");
    }
    drop(idle);
    while log.count("connections are below their limit again") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(log.count("limit"), 2, "one line for each change");
}

#[tokio::test]
async fn a_connection_that_was_used_is_closed_after_those_that_never_were() {
    let running = start(LONG, MAX).await;
    let mut used = Client::connect(&running).await;
    assert!(used.request("/fast").await.ends_with("fast"));
    let mut unused = Vec::new();
    for _ in 0..MAX + MAX / 2 {
        unused.push(Client::connect(&running).await);
    }
    for client in &mut unused[..MAX / 2] {
        assert_eq!(client.rest().await, "");
    }
    assert!(used.request("/fast").await.ends_with("fast"));
}

#[tokio::test]
async fn a_connection_is_refused_while_all_others_have_requests() {
    let running = start(LONG, MAX).await;
    let mut busy = Vec::new();
    for _ in 0..MAX {
        busy.push(Client::with(&running, "GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await);
    }
    // The server may not have read every request yet, and then closes such a connection.
    let mut refused = String::new();
    for _ in 0..100 {
        let mut client =
            Client::with(&running, "GET /fast HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        refused = client.rest().await;
        if refused.starts_with("HTTP/1.1 503") {
            break;
        }
        busy.push(Client::with(&running, "GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await);
    }
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("urn:orderflow:problem:unavailable"), "{refused}");
}

#[tokio::test]
async fn a_connection_that_waits_for_a_body_is_closed_if_no_other_waits() {
    let running = start(LONG, MAX).await;
    let head =
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n[";
    let mut slow = Vec::new();
    for _ in 0..MAX {
        slow.push(Client::with(&running, head).await);
    }
    for _ in 0..MAX {
        let mut client = Client::connect(&running).await;
        assert!(client.request("/fast").await.ends_with("fast"));
    }
}
