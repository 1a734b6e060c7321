//! What a client is answered when a deadline of its request is over.

use orderflow_server::Deadlines;

use crate::client::{Client, LONG, SHORT, start};

#[tokio::test]
async fn a_handler_that_takes_too_long_is_answered_503() {
    let running = start(Deadlines { handler: SHORT.handler, ..LONG }, 100).await;
    let mut client = Client::connect(&running).await;
    let answer = client.request("/hang").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("urn:orderflow:problem:unavailable"), "{answer}");
    // The connection goes on.
    assert!(client.request("/fast").await.ends_with("fast"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_answered_408_and_closed() {
    let running = start(Deadlines { body: SHORT.body, ..LONG }, 100).await;
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for start in ["content-length: 9\r\n\r\n[1", "transfer-encoding: chunked\r\n\r\n9\r\n[1"] {
        let answer = Client::with(&running, &format!("{head}{start}")).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("urn:orderflow:problem:request-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn the_time_of_a_slow_body_does_not_count_for_the_handler() {
    let running = start(Deadlines { handler: SHORT.handler, ..LONG }, 100).await;
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 3\r\n\r\n";
    let mut client = Client::with(&running, head).await;
    tokio::time::sleep(2 * SHORT.handler).await;
    client.send("[1]").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("[1]"), "{answer}");
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let running = start(LONG, 100).await;
    let answer = Client::with(&running, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.rest().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_head_has_a_largest_size() {
    let running = start(LONG, 100).await;
    let long = format!("GET /fast HTTP/1.1\r\nhost: x\r\nx-long: {}", "a".repeat(200_000));
    let mut client = Client::connect(&running).await;
    // The server may close it before all is written.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.0, long.as_bytes()).await;
    let answer = client.rest().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}
