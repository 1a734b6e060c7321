//! Requests that were addressed to another server, or that a page of another site sent.

use orderflow_testing::program::Launch;
use reqwest::{Client, Method, RequestBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Server, up};

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_requests_to_this_server_are_answered() {
    let mut launch = up(&["--port", "0", "--ephemeral"]);
    launch = launch.env("ORDERFLOW_ALLOWED_HOSTS", "shop.example");
    let server = Server::start(launch);
    let client = Client::new();
    let orders = format!("{}/api/v1/orders", server.url());
    let faults = format!("{}/api/v1/admin/faults", server.url());
    for path in [&orders, &faults, &format!("{}/metrics", server.url()), &format!("{}/none", server.url())] {
        assert_eq!(status(client.get(path).header("host", "evil.example")).await, 421, "{path}");
    }
    let put = client.put(&faults).json(&serde_json::json!({"payment": "down"}));
    assert_eq!(status(put.header("host", "evil.example")).await, 421);
    assert_eq!(server.get("/api/v1/admin/faults").await["payment"], "ok");
    assert_eq!(status(client.get(&orders).header("host", "shop.example")).await, 200);
}

#[tokio::test]
async fn a_path_that_servers_read_differently_is_refused() {
    let server = Server::ephemeral();
    let address = server.url().strip_prefix("http://").unwrap();
    for path in [
        "products/..%2Forders",
        "products/%2e%2e/orders",
        "products/../orders",
        "products/..%5Corders",
        "./orders",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /api/v1/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn every_response_has_the_headers_for_browsers() {
    let server = Server::ephemeral();
    let client = Client::new();
    for (path, host, is_kept) in [
        ("/docs", "localhost", true),
        ("/openapi.json", "localhost", true),
        ("/api/v1/products", "localhost", true),
        ("/api/v1/orders", "localhost", false),
        ("/api/v1/payments?order_id=1", "localhost", false),
        ("/api/v1/notifications?order_id=1", "localhost", false),
        ("/api/v1/admin/dead-letters", "localhost", false),
        ("/metrics", "localhost", false),
        ("/none", "localhost", false),
        ("/api/v1/products/..%2Forders", "localhost", false),
        ("/docs", "evil.example", false),
    ] {
        let answer = client.get(format!("{}{path}", server.url())).header("host", host).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(header("cache-control") == "no-store", !is_kept, "{path}");
    }
}

#[tokio::test]
async fn what_is_refused_is_counted() {
    let server = Server::ephemeral();
    let url = format!("{}/api/v1/orders", server.url());
    let client = Client::new();
    assert_eq!(status(client.get(&url).header("host", "evil.example")).await, 421);
    assert_eq!(status(client.post(&url)).await, 415);
    let metrics = client.get(format!("{}/metrics", server.url())).send().await.unwrap().text().await.unwrap();
    for line in [
        r#"http_requests_refused_total{reason="misdirected-request"} 1"#,
        r#"http_requests_refused_total{reason="unsupported-media-type"} 1"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn pages_of_a_listed_origin_may_call() {
    let mut launch = up(&["--port", "0", "--ephemeral"]);
    launch = launch.env("ORDERFLOW_CORS_ORIGINS", "https://shop.example");
    let server = Server::start(launch);
    let client = Client::new();
    let url = format!("{}/api/v1/admin/cache/warmup", server.url());
    for (origin, asked, called) in [("https://shop.example", 204, 200), ("https://evil.example", 405, 403)] {
        let ask = client.request(Method::OPTIONS, &url).header("origin", origin);
        assert_eq!(status(ask.header("access-control-request-method", "POST")).await, asked, "{origin}");
        let call = client.post(&url).header("origin", origin).header("sec-fetch-site", "cross-site");
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), called, "{origin}");
        let readable = answer.headers().get("access-control-allow-origin");
        assert_eq!(readable.is_some_and(|allowed| allowed == origin), called == 200, "{origin}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let server = Server::ephemeral();
    let client = Client::new();
    for path in ["/api/v1/admin/cache/warmup", "/api/v1/payments/none/refund"] {
        let url = format!("{}{path}", server.url());
        let json = || client.post(&url).header("content-type", "application/json");
        assert_eq!(status(json().header("origin", "https://evil.example")).await, 403, "{path}");
        assert_eq!(status(json().header("sec-fetch-site", "cross-site")).await, 403, "{path}");
        assert_eq!(status(client.post(&url)).await, 415, "{path}");
        assert!(matches!(status(json()).await, 200 | 404), "{path}");
    }
}

#[tokio::test]
async fn the_bridge_answers_only_requests_to_it() {
    let program = env!("CARGO_BIN_EXE_orderflow");
    let store = Launch::new(program, ["store", "--port", "0", "--ephemeral"]).start();
    // Nothing listens at the broker's address and that of the functions: the bridge serves its metrics all the same.
    let arguments =
        ["bridge", "--broker", "amqp://127.0.0.1:1", "--invoke", "http://127.0.0.1:1", "--dynamodb-endpoint"];
    let bridge =
        Launch::new(program, arguments.into_iter().chain([store.url()])).env("ORDERFLOW_PORT", "0").start();
    let client = Client::new();
    for path in ["/metrics", "/health"] {
        let url = format!("{}{path}", bridge.url());
        assert_eq!(status(client.get(&url).header("host", "evil.example")).await, 421, "{path}");
        assert_ne!(status(client.get(&url)).await, 421, "{path}");
    }
}
