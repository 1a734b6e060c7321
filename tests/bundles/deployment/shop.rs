//! A deployed HTTP API.

use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};

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
