//! An outage of the mail server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::metrics::value;
use crate::server::{Server, up};

const ORDERS: usize = 20;
const STATE: &str = r#"circuit_breaker_state{breaker="mail-provider"}"#;

/// A mail server that refuses every client until it is available.
#[derive(Clone, Default)]
struct MailServer {
    available: Arc<AtomicBool>,
    taken: Arc<AtomicUsize>,
}

impl MailServer {
    /// Listens and returns the URL.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.converse(client).await });
            }
        });
        url
    }

    async fn converse(&self, client: TcpStream) -> std::io::Result<()> {
        let (reading, mut writing) = client.into_split();
        if !self.available.load(Ordering::SeqCst) {
            return writing.write_all(b"421 4.3.2 not now\r\n").await;
        }
        writing.write_all(b"220 ready\r\n").await?;
        let mut lines = BufReader::new(reading).lines();
        let mut in_content = false;
        while let Some(line) = lines.next_line().await? {
            let answer: &[u8] = match line.as_str() {
                "." => {
                    in_content = false;
                    self.taken.fetch_add(1, Ordering::SeqCst);
                    b"250 taken\r\n"
                }
                _ if in_content => continue,
                "DATA" => {
                    in_content = true;
                    b"354 go on\r\n"
                }
                _ => b"250 ok\r\n",
            };
            writing.write_all(answer).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_mail_server_outage_delays_no_order_and_every_message_is_sent_after_it() {
    let mail = MailServer::default();
    let server = Server::start(up(&["--port", "0", "--ephemeral"]).env("SMTP_URL", mail.listen().await));
    assert_eq!(value(&server, STATE).await, Some(0.0));
    for _ in 0..ORDERS {
        server.place("PRODUCT-002", "C1").await.unwrap();
    }
    server
        .wait_until("all are confirmed", async |server| {
            server.orders("&status=confirmed").await.len() == ORDERS
        })
        .await;
    let half_open = r#"circuit_breaker_transitions_total{breaker="mail-provider",to="half_open"}"#;
    server
        .wait_until("the breaker is half open", async |server| value(server, half_open).await.is_some())
        .await;
    let deferred = r#"deliveries_total{consumer="notification",outcome="deferred"}"#;
    assert!(value(&server, deferred).await >= Some(1.0));
    assert_eq!(mail.taken.load(Ordering::SeqCst), 0);

    mail.available.store(true, Ordering::SeqCst);
    server.wait_until("every message arrived", async |_| mail.taken.load(Ordering::SeqCst) >= ORDERS).await;
    assert_eq!(value(&server, STATE).await, Some(0.0));
    let dead = r#"deliveries_total{consumer="notification",outcome="dead_lettered"}"#;
    assert_eq!(value(&server, dead).await, None);
}
