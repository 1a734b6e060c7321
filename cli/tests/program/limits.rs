//! Limits of requests.

use orderflow_testing::program::Launch;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use crate::server::{Server, up};

fn limited() -> Launch {
    up(&["--port", "0", "--ephemeral"]).env("ORDERFLOW_RATE_LIMIT", "1").env("ORDERFLOW_RATE_BURST", "3")
}

async fn get(server: &Server, path: &str, forwarded: Option<&str>) -> Response {
    let mut request = Client::new().get(format!("{}{path}", server.url()));
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_caller_above_its_rate_is_answered_429() {
    let server = Server::start(limited());
    let mut refused = None;
    // A slow machine refills the bucket meanwhile.
    for sent in 0..50 {
        // Without trusted proxies, the header changes nothing.
        let response = get(&server, "/api/v1/products", Some(&format!("198.51.100.{sent}"))).await;
        assert_eq!(response.headers()["ratelimit-limit"], "3");
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((sent, response));
            break;
        }
        assert_eq!(response.status(), 200);
    }
    let (sent, refused) = refused.unwrap();
    assert!(sent >= 3, "{sent}");
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["ratelimit-remaining"], "0");
    assert_eq!(refused.headers()["ratelimit-reset"], "3");
    assert_eq!(refused.json::<Value>().await.unwrap()["type"], "urn:orderflow:problem:rate-limited");
    for _ in 0..20 {
        let response = get(&server, "/health", None).await;
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("ratelimit-limit"));
    }
}

#[tokio::test]
async fn callers_behind_a_trusted_proxy_are_told_apart() {
    let server = Server::start(limited().env("ORDERFLOW_TRUSTED_PROXIES", "127.0.0.0/8, ::1"));
    for caller in 0..10 {
        // What a caller writes itself stands on the left.
        let forwarded = format!("203.0.113.7, 198.51.100.{caller}");
        for _ in 0..3 {
            assert_eq!(get(&server, "/api/v1/products", Some(&forwarded)).await.status(), 200);
        }
    }
}

#[test]
fn a_limit_that_cannot_be_kept_ends_the_program() {
    for (name, value) in [
        ("ORDERFLOW_RATE_LIMIT", "0"),
        ("ORDERFLOW_RATE_LIMIT", "fast"),
        ("ORDERFLOW_RATE_BURST", "3"),
        ("ORDERFLOW_GLOBAL_RATE_LIMIT", "-1"),
        ("ORDERFLOW_TRUSTED_PROXIES", "proxy"),
        ("ORDERFLOW_MAX_IN_FLIGHT", "0"),
    ] {
        let run = up(&["--port", "0", "--ephemeral"]).env(name, value).run();
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{name}={value}");
        assert!(run.err.contains(name), "{name}={value}: {}", run.err);
    }
}
