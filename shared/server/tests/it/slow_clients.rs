//! Clients that are slow on purpose, and others beside them.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use orderflow_server::Deadlines;
use tokio::io::AsyncReadExt;

use crate::client::{Client, LONG, PATIENCE, Running, SHORT, start};

const HEAD: &str = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const PAUSE: Duration = Duration::from_millis(20);

/// What a slow client does until it finds its connection closed.
type Slow = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn silent(running: &Running, bytes: &str) -> Slow {
    let mut client = Client::with(running, bytes).await;
    Box::pin(async move {
        client.rest().await;
    })
}

async fn dripping(running: &Running, start: String, byte: &'static [u8]) -> Slow {
    let client = Client::connect(running).await;
    Box::pin(async move { client.drip(&start, byte, PAUSE).await })
}

/// Sends requests for a large answer, and reads nothing until the server must have given up.
async fn not_reading(running: &Running) -> Slow {
    let mut client = Client::with(running, "GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    Box::pin(async move {
        tokio::time::sleep(3 * SHORT.taking).await;
        let mut bytes = Vec::new();
        let _ = client.0.read_to_end(&mut bytes).await;
        assert!(bytes.len() < 32 * 1024 * 1024, "the whole answer was sent");
    })
}

async fn every_kind(running: &Running) -> Vec<(&'static str, Slow)> {
    let with_length = format!("{HEAD}content-length: 1000\r\n\r\n");
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
    let mut keep_alive = Client::connect(running).await;
    assert!(keep_alive.request("/fast").await.ends_with("fast"));
    let keep_alive: Slow = Box::pin(async move {
        keep_alive.rest().await;
    });
    let mut pipelined = Client::connect(running).await;
    pipelined.send("GET /fast HTTP/1.1\r\nhost: x\r\n\r\nGET /fast HTTP/1.1\r\nho").await;
    let pipelined: Slow = Box::pin(async move {
        pipelined.rest().await;
    });
    vec![
        ("nothing after the connect", silent(running, "").await),
        ("half a request line", silent(running, "GET /fa").await),
        ("half a header", silent(running, "GET /fast HTTP/1.1\r\nhost: x\r\naccept: te").await),
        ("headers byte by byte", dripping(running, "GET /fast HTTP/1.1\r\nx-long: ".to_owned(), b"a").await),
        ("no body", silent(running, &with_length).await),
        ("a body byte by byte", dripping(running, with_length, b" ").await),
        ("half a chunk", silent(running, &format!("{chunked}40\r\n[1,")).await),
        ("chunks byte by byte", dripping(running, chunked, b"1\r\n \r\n").await),
        ("an answer that is not read", not_reading(running).await),
        ("keep-alive without a request", keep_alive),
        ("half of a second request in the packet of the first", pipelined),
    ]
}

/// Returns how long requests take, sorted.
async fn latencies(running: &Running, requests: usize) -> Vec<Duration> {
    let mut latencies = Vec::new();
    for _ in 0..requests {
        let started = Instant::now();
        let mut client = Client::connect(running).await;
        assert!(client.request("/fast").await.ends_with("fast"));
        latencies.push(started.elapsed());
    }
    latencies.sort_unstable();
    latencies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_slow_client_is_closed_in_time_while_others_are_served() {
    let running = start(SHORT, 10_000).await;
    let slowest = SHORT.idle.max(SHORT.body).max(3 * SHORT.taking);
    let mut slow = Vec::new();
    for (kind, client) in every_kind(&running).await {
        let started = Instant::now();
        slow.push((kind, tokio::spawn(client), started));
    }
    let latencies = latencies(&running, 50).await;
    assert!(latencies[25] < Duration::from_millis(200), "{latencies:?}");
    for (kind, client, started) in slow {
        client.await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        // The machine may compile at the same time.
        assert!(started.elapsed() < slowest + Duration::from_secs(5), "{kind}: {:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_has_longer_than_a_head() {
    let running = start(SHORT, 100).await;
    let mut client = Client::connect(&running).await;
    assert!(client.request("/fast").await.ends_with("fast"));
    tokio::time::sleep(SHORT.head + Duration::from_millis(100)).await;
    assert!(client.request("/fast").await.ends_with("fast"));
    // The deadline of a head applies again from its first byte.
    client.send("GET /fa").await;
    let started = Instant::now();
    client.rest().await;
    assert!(started.elapsed() < SHORT.idle.max(PATIENCE / 10));
}

/// Sends `requests` and half of a further head, and returns how long the connection stays open.
async fn open_after(requests: &str, answers: usize) -> Duration {
    // The deadlines of body and idle connections are far off.
    let running = start(Deadlines { head: SHORT.head, ..LONG }, 100).await;
    let started = Instant::now();
    let mut client = Client::with(&running, &format!("{requests}GET /fast HTTP/1.1\r\nho")).await;
    let received = client.rest().await;
    assert_eq!(received.matches("HTTP/1.1 200").count(), answers, "{received}");
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_begins_behind_another_request_has_the_time_of_a_head() {
    let get = "GET /fast HTTP/1.1\r\nhost: x\r\n\r\n";
    let post = format!("{HEAD}content-length: 4\r\n\r\n[12]");
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n3\r\n[12\r\n1\r\n]\r\n0\r\n\r\n");
    for (requests, answers) in [
        (get.to_owned(), 1),
        (post.clone(), 1),
        (chunked.clone(), 1),
        (format!("{get}{post}{chunked}{get}{chunked}{post}"), 6),
    ] {
        let open = open_after(&requests, answers).await;
        assert!(open < PATIENCE / 2, "{requests:?}: {open:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_behind_an_answer_that_is_not_taken_yet_has_its_time_afterwards() {
    let running = start(Deadlines { head: SHORT.head, ..LONG }, 100).await;
    let mut client =
        Client::with(&running, "GET /large HTTP/1.1\r\nhost: x\r\n\r\nGET /fast HTTP/1.1\r\nho").await;
    tokio::time::sleep(3 * SHORT.head).await;
    let received = client.rest().await;
    assert!(received.len() > 32 * 1024 * 1024, "the answer ends after {} bytes", received.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bytes_of_many_requests_are_answered_however_they_are_cut() {
    let running = start(LONG, 100).await;
    let post = format!("{HEAD}content-length: 4\r\n\r\n[12]");
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n4\r\n[12]\r\n0\r\na: b\r\n\r\n");
    let last = "GET /fast HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let requests = format!("{post}\r\n{chunked}{post}{last}");
    for size in [1, 2, 3, 7, 40, 100, 200, 400] {
        let mut client = Client::connect(&running).await;
        client.0.set_nodelay(true).unwrap();
        for piece in requests.as_bytes().chunks(size) {
            client.send(std::str::from_utf8(piece).unwrap()).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let received = client.rest().await;
        assert_eq!(received.matches("HTTP/1.1 200").count(), 4, "{size}: {received}");
    }
}

/// As many as the limit of files allows, with both ends in this process, up to 10,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_do_not_slow_others() {
    let running = start(LONG, 10_000).await;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(20_000);
    let count = usize::try_from(files / 2).unwrap().saturating_sub(300).min(10_000);
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(Client::connect(&running).await);
    }
    let latencies = latencies(&running, 100).await;
    assert!(latencies[50] < Duration::from_millis(100), "{count} idle connections: {latencies:?}");
}
