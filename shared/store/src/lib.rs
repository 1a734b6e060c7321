//! The ground that every service's table stands on: one DynamoDB client, the write that carries its events, transactions
//! whose failures are typed, listings with cursors. No table of a service is named here.
//!
//! A business write and the events it causes are one request: a [`Write`] names the events in the `outbox` attribute of
//! the item it changes, the table's stream delivers that image, and the relay builds the events from it. There is no
//! moment at which one exists without the other.

mod connect;
mod contention;
mod cursor;
mod error;
mod independent;
mod listing;
mod outbox;
mod read;
mod schema;
mod send;
#[cfg(test)]
mod testing;
mod transaction;
mod write;

pub use contention::optimistic_attempts;
pub use cursor::{Cursor, CursorError};
pub use error::StoreError;
pub use independent::IndependentWrites;
pub use listing::{Listing, TimeKey, partition, partitions};
pub use outbox::{Emission, EventSource, ImageError, OUTBOX, Outbox, OutboxError};
pub use schema::{IndexDefinition, TableDefinition, TableState};
pub use send::WriteError;
pub use transaction::{Cancellation, MAX_TRANSACTION_ACTIONS, TransactError};
pub use write::Write;

/// An item as the SDK has it.
pub type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// The tables of one installation, under one prefix, at one endpoint.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    prefix: String,
    independent_writes: IndependentWrites,
}

/// The prefix of table names where none is set.
pub const DEFAULT_PREFIX: &str = "orderflow";

impl Store {
    /// The tables whose names begin with `prefix-`.
    pub fn new(
        client: aws_sdk_dynamodb::Client,
        prefix: impl Into<String>,
        independent_writes: IndependentWrites,
    ) -> Self {
        Self { client, prefix: prefix.into(), independent_writes }
    }

    /// What the names of this installation begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A table by its definition.
    pub fn table(&self, definition: &'static TableDefinition) -> Table {
        Table { client: self.client.clone(), name: self.table_name(definition), definition }
    }

    /// The full name of a table.
    pub fn table_name(&self, definition: &TableDefinition) -> String {
        format!("{}-{}", self.prefix, definition.name)
    }

    /// The client underneath.
    pub fn client(&self) -> &aws_sdk_dynamodb::Client {
        &self.client
    }
}

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
    definition: &'static TableDefinition,
}

impl Table {
    /// Its full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of an item by its hash key.
    pub fn key(&self, hash: impl Into<String>) -> Item {
        debug_assert!(self.definition.range.is_none(), "the table has a range key");
        Item::from([(self.definition.hash.to_owned(), string(hash))])
    }

    /// The key of an item by its hash and range key.
    pub fn key_with_range(&self, hash: impl Into<String>, range: impl Into<String>) -> Item {
        let range_name = self.definition.range.expect("only tables with a range key are asked for one");
        Item::from([(self.definition.hash.to_owned(), string(hash)), (range_name.to_owned(), string(range))])
    }
}

pub(crate) fn string(text: impl Into<String>) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(text.into())
}
