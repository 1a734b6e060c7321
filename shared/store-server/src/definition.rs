//! The definitions of tables.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use orderflow_store_port::{IndexDefinition, TableDefinition};

/// A table as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDescription {
    /// The partition key.
    pub hash: String,
    /// The sort key, if it has one.
    pub range: Option<String>,
    /// The indexes.
    pub indexes: Vec<IndexDescription>,
    /// The id of the one shard of its stream, if it has a stream.
    pub stream_shard: Option<String>,
    /// When it was created.
    pub created_at: SystemTime,
}

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDescription {
    /// Its name.
    pub name: String,
    /// The partition key.
    pub hash: String,
    /// The sort key.
    pub range: String,
}

/// Knows the tables of a store.
pub trait Describe: Send + Sync + 'static {
    /// Returns the definition of the table with this full name, or `None` if it does not exist.
    fn describe(&self, table: &str) -> Option<TableDescription>;
}

/// The definitions of tables that requests have named. A definition lives as long as the process, as those of the services do; there are as many
/// as versions of tables.
#[derive(Debug, Default)]
pub(crate) struct Definitions(Mutex<Vec<&'static TableDefinition>>);

impl Definitions {
    pub(crate) fn intern(&self, table: &str, description: &TableDescription) -> &'static TableDefinition {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.iter().find(|known| known.name == table && is_of(known, description)) {
            return found;
        }
        let definition = Box::leak(Box::new(definition(table, description)));
        known.push(definition);
        definition
    }
}

fn is_of(definition: &TableDefinition, description: &TableDescription) -> bool {
    let is_index = |(one, other): (&IndexDefinition, &IndexDescription)| {
        one.name == other.name && one.hash == other.hash && one.range == other.range
    };
    definition.hash == description.hash
        && definition.range == description.range.as_deref()
        && definition.streams == description.stream_shard.is_some()
        && definition.indexes.len() == description.indexes.len()
        && definition.indexes.iter().zip(&description.indexes).all(is_index)
}

fn definition(table: &str, description: &TableDescription) -> TableDefinition {
    let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let index = |index: &IndexDescription| IndexDefinition {
        name: kept(&index.name),
        hash: kept(&index.hash),
        range: kept(&index.range),
    };
    TableDefinition {
        name: kept(table),
        hash: kept(&description.hash),
        range: description.range.as_deref().map(kept),
        indexes: Box::leak(description.indexes.iter().map(index).collect()),
        streams: description.stream_shard.is_some(),
    }
}
