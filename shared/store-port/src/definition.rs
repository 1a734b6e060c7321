//! Tables and indexes.

use std::fmt;
use std::sync::Arc;

/// The definition of a table. All keys are strings.
#[derive(Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// The name without the prefix.
    pub name: &'static str,
    /// The partition key.
    pub hash: &'static str,
    /// The sort key, if it has one.
    pub range: Option<&'static str>,
    /// The global secondary indexes. All are projected `KEYS_ONLY`: a write that does not change the keys costs nothing in the index, and
    /// listings read the items from the table, where they are current.
    pub indexes: &'static [IndexDefinition],
    /// Whether the table has a stream, because its writes name events.
    pub streams: bool,
}

/// A global secondary index. Items without one of its keys are not in it.
#[derive(Debug, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its name.
    pub name: &'static str,
    /// The partition key.
    pub hash: &'static str,
    /// The sort key.
    pub range: &'static str,
}

/// A table of one installation.
#[derive(Clone, PartialEq, Eq)]
pub struct TableRef {
    /// The full name: prefix, `-`, name.
    pub name: Arc<str>,
    /// Its definition.
    pub definition: &'static TableDefinition,
}

impl fmt::Debug for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableRef").field(&self.name).finish()
    }
}

/// The difference between a table and its definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableState {
    /// The table's full name.
    pub name: String,
    /// Whether the table exists.
    pub exists: bool,
    /// The indexes that are missing. Empty if the table is missing.
    pub missing_indexes: Vec<&'static str>,
    /// Whether the stream is missing. False if the table is missing.
    pub missing_stream: bool,
}
