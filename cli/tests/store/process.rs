//! `orderflow store` as a process, and its clients.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_bridge::sdk_config;
use orderflow_store::{DynamoDb, Store, TableDefinition};
use orderflow_testing::program::{Launch, Program};

pub(crate) const PREFIX: &str = "shop";

/// A table with a stream.
pub(crate) static THINGS: TableDefinition =
    TableDefinition { name: "things", hash: "id", range: None, indexes: &[], streams: true };

/// A running `orderflow store`; killed when dropped.
pub(crate) struct StoreProcess(pub(crate) Program);

/// Prepares a start of `orderflow store`.
pub(crate) fn store(arguments: &[&str]) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["store", "--port", "0"].iter().chain(arguments))
}

impl StoreProcess {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let program = store(arguments).start();
        program.url();
        Self(program)
    }

    pub(crate) fn on(data: &Path) -> Self {
        Self::start(&["--data-dir", data.to_str().unwrap()])
    }

    pub(crate) fn ephemeral() -> Self {
        Self::start(&["--ephemeral"])
    }

    pub(crate) fn url(&self) -> &str {
        self.0.url()
    }

    /// Returns a client with connections of its own, as another process has.
    pub(crate) async fn client(&self) -> Client {
        Client::new(&sdk_config(Some(self.url())).await)
    }

    pub(crate) async fn tables(&self) -> Store {
        Store::new(Arc::new(DynamoDb::unsigned(&sdk_config(Some(self.url())).await)), PREFIX)
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
