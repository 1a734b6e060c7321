//! The answer to a connection for which there is no place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orderflow_http::{PROBLEM_JSON, ProblemKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The most connections that are answered at the same time; others are closed without an answer.
const MOST: usize = 16;

/// The time for a client to take the answer.
const TAKING: Duration = Duration::from_secs(1);

/// Answers connections for which there is no place.
#[derive(Default)]
pub(crate) struct Refusals(Arc<AtomicUsize>);

impl Refusals {
    /// Answers 503 and closes the connection.
    pub(crate) fn answer(&self, stream: TcpStream) {
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.0.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let open = Arc::clone(&self.0);
        tokio::spawn(async move {
            // It fails if the client is gone or too slow.
            let _ = timeout(TAKING, refuse(stream)).await;
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(response().as_bytes()).await?;
    stream.shutdown().await?;
    // A close with unread bytes would reset the connection, and the client could lose the answer.
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

fn response() -> String {
    let kind = ProblemKind::Unavailable;
    let body = format!(
        r#"{{"type":"{}","title":"{}","status":503,"detail":"All connections of the server are in use."}}"#,
        kind.urn(),
        kind.title()
    );
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}
