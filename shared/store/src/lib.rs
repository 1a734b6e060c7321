//! Access to DynamoDB for every service: writes that carry their events, transactions with typed failures, listings with cursors. The tables
//! themselves are defined by the services.
//!
//! A business write and its events are one request (transactional outbox): a [`Write`] names the events in the `outbox` attribute of the item
//! that it changes, the table's stream delivers the new image, and the relay builds the events from it. A write can therefore never lose its
//! events, nor can events exist without their write.

mod batch_rounds;
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

pub use batch_rounds::{BatchRounds, Contended, transaction_groups};
pub use connect::read_prefix;
pub use contention::optimistic_attempts;
pub use cursor::{Cursor, CursorError};
pub use error::StoreError;
pub use independent::IndependentWrites;
pub use listing::{Listing, TimeKey, partition, partitions};
pub use orderflow_settings::declared::DEFAULT_PREFIX;
pub use outbox::{Emission, EventSource, ImageError, OUTBOX, Outbox, OutboxError};
pub use schema::{IndexDefinition, TableDefinition, TableState};
pub use send::WriteError;
pub use transaction::{Cancellation, MAX_TRANSACTION_ACTIONS, TransactError};
pub use write::Write;

/// An item in the SDK's form.
pub type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// The tables of one installation: those with its prefix at its endpoint.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    prefix: String,
    independent_writes: IndependentWrites,
}

impl Store {
    /// Returns the store of the tables whose names begin with `prefix-`.
    pub fn new(
        client: aws_sdk_dynamodb::Client,
        prefix: impl Into<String>,
        independent_writes: IndependentWrites,
    ) -> Self {
        Self { client, prefix: prefix.into(), independent_writes }
    }

    /// Returns the prefix of the table names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the table with this definition.
    pub fn table(&self, definition: &'static TableDefinition) -> Table {
        Table { client: self.client.clone(), name: self.table_name(definition), definition }
    }

    /// Returns the full name of a table: prefix, `-`, name.
    pub fn table_name(&self, definition: &TableDefinition) -> String {
        format!("{}-{}", self.prefix, definition.name)
    }

    /// Returns the SDK client.
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
    /// Returns the table's full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key of an item of a table without range key.
    pub fn key(&self, hash: impl Into<String>) -> Item {
        debug_assert!(self.definition.range.is_none(), "the table has a range key");
        Item::from([(self.definition.hash.to_owned(), string(hash))])
    }

    /// Returns the key of an item of a table with range key.
    pub fn key_with_range(&self, hash: impl Into<String>, range: impl Into<String>) -> Item {
        let range_name = self.definition.range.expect("only tables with a range key are asked for one");
        Item::from([(self.definition.hash.to_owned(), string(hash)), (range_name.to_owned(), string(range))])
    }
}

pub(crate) fn string(text: impl Into<String>) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(text.into())
}
