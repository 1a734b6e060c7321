//! Starting and ending `orderflow store`, and its clients.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_bridge::sdk_config;
use orderflow_store::{IndependentWrites, Store, TableDefinition};

/// How long anything may take that has to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PREFIX: &str = "shop";

/// A table whose writes carry events.
pub(crate) static THINGS: TableDefinition =
    TableDefinition { name: "things", hash: "id", range: None, indexes: &[], streams: true };

/// A running `orderflow store`; killed when dropped.
pub(crate) struct StoreProcess {
    child: Child,
    pub(crate) url: String,
}

/// A command that starts the store away from this process's settings.
pub(crate) fn store(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderflow"));
    command.args(["store", "--port", "0"]).args(arguments).env_clear().env("RUST_LOG", "warn");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl StoreProcess {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = store(arguments).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        Self { url: url.to_owned(), child }
    }

    pub(crate) fn on(data: &Path) -> Self {
        Self::start(&["--data-dir", data.to_str().unwrap()])
    }

    pub(crate) fn ephemeral() -> Self {
        Self::start(&["--ephemeral"])
    }

    /// A client with connections of its own, as another process has.
    pub(crate) async fn client(&self) -> Client {
        Client::new(&sdk_config(Some(&self.url)).await)
    }

    pub(crate) async fn tables(&self) -> Store {
        Store::new(self.client().await, PREFIX, IndependentWrites::OneTransaction)
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for StoreProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn table_name() -> String {
    format!("{PREFIX}-{}", THINGS.name)
}

pub(crate) async fn put(client: &Client, id: &str) -> bool {
    let item = client.put_item().table_name(table_name()).item("id", AttributeValue::S(id.to_owned()));
    item.send().await.is_ok()
}

pub(crate) async fn exists(client: &Client, id: &str) -> bool {
    let key = client.get_item().table_name(table_name()).key("id", AttributeValue::S(id.to_owned()));
    key.send().await.unwrap().item.is_some()
}

/// Waits until something holds.
pub(crate) async fn wait_until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
