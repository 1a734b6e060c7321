//! Access to the store for every service: writes that carry their events, transactions with typed failures, listings with cursors. The tables
//! themselves are defined by the services.
//!
//! A business write and its events are one request (transactional outbox): a [`Write`] names the events in the `outbox` attribute of the item
//! that it changes, the table's stream delivers the new image, and the relay builds the events from it. A write can therefore never lose its
//! events, nor can events exist without their write.
//!
//! Where the tables are is up to the [`Backend`]: [`DynamoDb`] is the one over the AWS SDK.

mod batch_rounds;
mod connect;
mod contention;
mod cursor;
mod dynamodb;
mod listing;
mod outbox;
mod read;
mod schema;
mod send;
mod shape;
#[cfg(test)]
mod testing;
mod write;

use std::sync::Arc;

pub use batch_rounds::{BatchRounds, Contended, transaction_groups};
pub use connect::read_prefix;
pub use contention::optimistic_attempts;
pub use cursor::{Cursor, CursorError};
pub use dynamodb::{DynamoDb, IndependentWrites, Remnants};
pub use listing::{Listing, TimeKey, partition, partitions};
pub use orderflow_settings::declared::DEFAULT_PREFIX;
pub use orderflow_store_port::{
    Backend, Cancellation, Change, IndexDefinition, Item, MAX_TRANSACTION_ACTIONS, Position, PositionError,
    Replacement, StoreError, StreamBatch, StreamError, StreamReader, StreamRecord, TableDefinition, TableRef,
    TableState, TransactError, Value, WriteError, text,
};
pub use outbox::{Emission, EventSource, ImageError, OUTBOX, Outbox, OutboxError};
pub use write::Write;

/// The tables of one installation: those with its prefix, at its backend.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    prefix: String,
}

impl Store {
    /// Returns the store of the tables whose names begin with `prefix-`.
    pub fn new(backend: Arc<dyn Backend>, prefix: impl Into<String>) -> Self {
        Self { backend, prefix: prefix.into() }
    }

    /// Returns the prefix of the table names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the table with this definition.
    pub fn table(&self, definition: &'static TableDefinition) -> Table {
        let table = TableRef { name: self.table_name(definition).into(), definition };
        Table { backend: Arc::clone(&self.backend), table }
    }

    /// Returns the full name of a table: prefix, `-`, name.
    pub fn table_name(&self, definition: &TableDefinition) -> String {
        format!("{}-{}", self.prefix, definition.name)
    }

    /// Returns where the tables are.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }
}

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    backend: Arc<dyn Backend>,
    table: TableRef,
}

impl Table {
    /// Returns the table's full name.
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// Returns the key of an item of a table without range key.
    pub fn key(&self, hash: impl Into<String>) -> Item {
        debug_assert!(self.table.definition.range.is_none(), "the table has a range key");
        Item::from([(self.table.definition.hash.to_owned(), string(hash))])
    }

    /// Returns the key of an item of a table with range key.
    pub fn key_with_range(&self, hash: impl Into<String>, range: impl Into<String>) -> Item {
        let definition = self.table.definition;
        let range_name = definition.range.expect("only tables with a range key are asked for one");
        Item::from([(definition.hash.to_owned(), string(hash)), (range_name.to_owned(), string(range))])
    }
}

pub(crate) fn string(text: impl Into<String>) -> Value {
    Value::S(text.into())
}
