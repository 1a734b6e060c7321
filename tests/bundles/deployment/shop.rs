//! A deployed HTTP API.

use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(120);

/// The HTTP API at its URL.
pub(super) struct Shop {
    url: String,
    client: reqwest::Client,
}

impl Shop {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: reqwest::Client::new() }
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// Sends GET for a path exactly as it is written, which an HTTP client would normalise, and returns the status.
    pub(super) async fn get_raw(&self, path: &str, token: Option<&str>) -> u16 {
        let (authority, base) = self.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let authorization =
            token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let mut connection = TcpStream::connect(authority).await.unwrap();
        let request = format!(
            "GET /{base}{path} HTTP/1.1\r\nhost: {authority}\r\n{authorization}connection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.take(64 * 1024).read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("{path}: {answer}"))
    }

    /// Sends a request with a body, and with a token if one is set.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        token: Option<&str>,
    ) -> Response {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.url)).json(body);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.unwrap()
    }

    /// Places an order and returns its id.
    pub(super) async fn place(&self, mut order: Value) -> String {
        order["customer_id"] = json!("C100");
        order["email"] = json!("c100@example.com");
        let answer = self.send(Method::POST, "/orders", &order, None).await;
        assert_eq!(answer.status(), 202);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Reads a path until its response is as expected.
    pub(super) async fn wait(&self, path: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let body: Value = self.get(&format!("/api/v1{path}")).await.json().await.unwrap();
            if expected(&body) {
                return body;
            }
            assert!(started.elapsed() < PATIENCE, "{path} stays {body}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits for the message to the customer about an order, and checks that it is the only one.
    pub(super) async fn told(&self, order_id: &str) -> String {
        let path = format!("/notifications?order_id={order_id}");
        let body = self.wait(&path, |body| body["notifications"] != json!([])).await;
        let [told] = &body["notifications"].as_array().unwrap()[..] else { panic!("not one: {body}") };
        told["template"].as_str().unwrap().to_owned()
    }
}
