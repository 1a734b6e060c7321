//! Starting and ending `orderflow up`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take that has to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running `orderflow up`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    url: String,
    client: reqwest::Client,
}

/// A command that starts the program away from this process's settings.
pub(crate) fn up(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderflow"));
    command.arg("up").args(arguments).env_clear().env("RUST_LOG", "warn");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        Self { url: url.to_owned(), child, client: reqwest::Client::new() }
    }

    pub(crate) fn on(data: &Path) -> Self {
        Self::start(up(&["--port", "0", "--data-dir", data.to_str().unwrap()]))
    }

    pub(crate) fn ephemeral() -> Self {
        Self::start(up(&["--port", "0", "--ephemeral"]))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// kill -9 while others still talk to it.
    pub(crate) fn kill_now(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn signal(mut self, name: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends an order; none where the server did not answer, which may or may not have taken it.
    pub(crate) async fn place(&self, sku: &str, customer: &str) -> Option<String> {
        let body = json!({"customer_id": customer, "email": "c@example.com", "items": [{"sku": sku, "quantity": 1}]});
        let request = self.client.post(format!("{}/api/v1/orders", self.url)).json(&body).timeout(PATIENCE);
        let response = request.send().await.ok().filter(|response| response.status() == 202)?;
        let order: Value = response.json().await.ok()?;
        order["id"].as_str().map(str::to_owned)
    }

    /// Sends an order as part of a trace. Gives its id.
    pub(crate) async fn place_traced(&self, sku: &str, traceparent: &str) -> String {
        let body =
            json!({"customer_id": "C1", "email": "c@example.com", "items": [{"sku": sku, "quantity": 1}]});
        let request = self.client.post(format!("{}/api/v1/orders", self.url)).json(&body);
        let response = request.header("traceparent", traceparent).send().await.unwrap();
        let order: Value = response.error_for_status().unwrap().json().await.unwrap();
        order["id"].as_str().unwrap().to_owned()
    }

    /// The body of an answer, whatever its status.
    pub(crate) async fn body(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.url)).timeout(PATIENCE).send().await.unwrap();
        response.json().await.unwrap()
    }

    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        let response = self.client.get(format!("{}{path}", self.url)).timeout(PATIENCE).send().await.ok()?;
        if response.status() == 200 { response.json().await.ok() } else { None }
    }

    /// What is there as it stands.
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.client.get(format!("{}{path}", self.url)).timeout(PATIENCE).send().await.unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) {
        let response = self.client.put(format!("{}{path}", self.url)).json(body).send().await.unwrap();
        response.error_for_status().unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> u16 {
        let response = self.client.post(format!("{}{path}", self.url)).json(body).send().await.unwrap();
        response.status().as_u16()
    }

    /// Waits until something holds.
    pub(crate) async fn wait_until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self).await {
            assert!(Instant::now() < deadline, "it never came true: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every order of a listing.
    pub(crate) async fn orders(&self, query: &str) -> Vec<Value> {
        let mut orders = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/v1/orders?limit=100{query}{cursor}")).await;
            orders.extend(page["orders"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return orders,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
