//! `orderflow up` as a process, and requests to it.

use std::path::Path;
use std::process::ExitStatus;

use orderflow_testing::program::{self, Launch, PATIENCE, Program, Run, Signal};
use serde_json::{Value, json};

/// A running `orderflow up`; killed when dropped.
pub(crate) struct Server {
    program: Program,
    client: reqwest::Client,
}

/// Prepares a start of `orderflow up`.
pub(crate) fn up(arguments: &[&str]) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["up"].iter().chain(arguments))
}

impl Server {
    pub(crate) fn start(launch: Launch) -> Self {
        let program = launch.start();
        program.url();
        Self { program, client: reqwest::Client::new() }
    }

    pub(crate) fn on(data: &Path) -> Self {
        Self::start(up(&["--port", "0", "--data-dir", data.to_str().unwrap()]))
    }

    pub(crate) fn ephemeral() -> Self {
        Self::start(up(&["--port", "0", "--ephemeral"]))
    }

    /// Runs a command of the program as a client of this server.
    pub(crate) fn client(&self, arguments: &[&str]) -> Run {
        Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).env("ORDERFLOW_URL", self.url()).run()
    }

    pub(crate) fn url(&self) -> &str {
        self.program.url()
    }

    /// Returns what the process has written to stderr.
    pub(crate) fn log(&self) -> String {
        self.program.log()
    }

    /// Returns the JSON body of a DELETE, with its status.
    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        let request = self.client.delete(self.path(path)).header("content-type", "application/json");
        let response = request.timeout(PATIENCE).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// Kills the process with SIGKILL, and waits for its end.
    pub(crate) fn kill(&self) {
        self.program.kill();
    }

    /// Stops the process in order with SIGTERM.
    pub(crate) fn stop(self) -> ExitStatus {
        self.program.stop()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end_with(self, signal: Signal) -> ExitStatus {
        self.program.signal(signal);
        self.program.wait()
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url())
    }

    /// Places an order of one unit and returns its id; `None` if the server did not accept it, or did not answer.
    pub(crate) async fn place(&self, sku: &str, customer: &str) -> Option<String> {
        let body = json!({"customer_id": customer, "email": "c@example.com", "items": [{"sku": sku, "quantity": 1}]});
        let request = self.client.post(self.path("/api/v1/orders")).json(&body).timeout(PATIENCE);
        let response = request.send().await.ok().filter(|response| response.status() == 202)?;
        let order: Value = response.json().await.ok()?;
        order["id"].as_str().map(str::to_owned)
    }

    /// Places an order as part of a trace, and returns its id.
    pub(crate) async fn place_traced(&self, sku: &str, traceparent: &str) -> String {
        let body =
            json!({"customer_id": "C1", "email": "c@example.com", "items": [{"sku": sku, "quantity": 1}]});
        let request = self.client.post(self.path("/api/v1/orders")).json(&body);
        let response = request.header("traceparent", traceparent).send().await.unwrap();
        let order: Value = response.error_for_status().unwrap().json().await.unwrap();
        order["id"].as_str().unwrap().to_owned()
    }

    /// Returns the JSON body of a GET, whatever its status.
    pub(crate) async fn body(&self, path: &str) -> Value {
        let response = self.client.get(self.path(path)).timeout(PATIENCE).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// Returns status and JSON body of a GET.
    pub(crate) async fn answer(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(self.path(path)).timeout(PATIENCE).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Returns the JSON body of a GET that is answered with 200.
    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        let response = self.client.get(self.path(path)).timeout(PATIENCE).send().await.ok()?;
        if response.status() == 200 { response.json().await.ok() } else { None }
    }

    /// Returns the text of a successful GET.
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.client.get(self.path(path)).timeout(PATIENCE).send().await.unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) {
        let response = self.client.put(self.path(path)).json(body).send().await.unwrap();
        response.error_for_status().unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.unwrap_or_else(|| panic!("GET {path} was not answered with 200"))
    }

    /// Returns the status of a POST.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> u16 {
        let response = self.client.post(self.path(path)).json(body).send().await.unwrap();
        response.status().as_u16()
    }

    /// Waits until a condition holds.
    pub(crate) async fn wait_until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        program::wait_until(what, async || holds(self).await).await;
    }

    /// Returns every order of a listing.
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
