//! The server of a hostile site, whose name can get the address of another server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const PAGE: &str = "<!doctype html><title>hostile</title><body>";

/// Serves the hostile page, and after [`Self::rebind`] connects the browser to the target instead. For the browser that is what DNS rebinding does:
/// the same name and port lead to another server.
pub(super) struct Attacker {
    port: u16,
    is_rebound: Arc<AtomicBool>,
}

impl Attacker {
    pub(super) async fn start(target: &str) -> Self {
        let target = target.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let attacker = Self { port: listener.local_addr().unwrap().port(), is_rebound: Arc::default() };
        let is_rebound = attacker.is_rebound.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, target.clone(), is_rebound.clone()));
            }
        });
        attacker
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the rule by which a browser finds this server at a name and port.
    pub(super) fn rule(&self, name: &str, port: u16) -> String {
        format!("MAP {name}:{port} 127.0.0.1:{}", self.port)
    }

    /// Lets every connection from now on lead to the target.
    pub(super) fn rebind(&self) {
        self.is_rebound.store(true, Ordering::SeqCst);
    }
}

async fn serve(mut browser: TcpStream, target: String, is_rebound: Arc<AtomicBool>) {
    // The browser may open a connection before it sends a request on it.
    let mut first = [0; 1];
    if browser.peek(&mut first).await.is_err() {
        return;
    }
    if is_rebound.load(Ordering::SeqCst) {
        if let Ok(mut target) = TcpStream::connect(target).await {
            let _ended = copy_bidirectional(&mut browser, &mut target).await;
        }
        return;
    }
    let mut request = [0; 8192];
    let _length = browser.read(&mut request).await;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{PAGE}",
        PAGE.len()
    );
    let _sent = browser.write_all(answer.as_bytes()).await;
}
