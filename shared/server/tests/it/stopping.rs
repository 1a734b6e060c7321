//! The end of the server.

use tokio::time::timeout;

use crate::client::{Client, LONG, PATIENCE, start};

#[tokio::test]
async fn a_stop_answers_open_requests_and_closes_other_connections() {
    let running = start(LONG, 100).await;
    let mut unused = Client::connect(&running).await;
    let mut idle = Client::connect(&running).await;
    assert!(idle.request("/fast").await.ends_with("fast"));
    let head =
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n[";
    let mut open = Client::with(&running, head).await;
    // The request is read before the stop.
    assert!(Client::connect(&running).await.request("/fast").await.ends_with("fast"));
    running.stop.send_replace(true);
    assert_eq!(unused.rest().await, "");
    assert_eq!(idle.rest().await, "");
    open.send("1]").await;
    let answer = open.rest().await;
    assert!(answer.ends_with("[1]"), "{answer}");
    timeout(PATIENCE, running.task).await.unwrap().unwrap();
}
