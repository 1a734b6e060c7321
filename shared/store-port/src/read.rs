//! Reads of several items under one hash key.

use crate::{IndexDefinition, Item, TableRef};

/// A read of the items under one hash key of a table or an index, in the order of their range keys.
#[derive(Debug, Clone)]
pub struct Query {
    /// The table.
    pub table: TableRef,
    /// The index of the table that is read, or `None` for the table itself. An index returns the keys of the item, in it and in the table.
    pub index: Option<&'static IndexDefinition>,
    /// The hash key.
    pub hash: String,
    /// The range keys. A table without range key is read with [`KeyRange::All`].
    pub range: KeyRange,
    /// Whether the highest range key comes first.
    pub descending: bool,
    /// The most items of the page, at least 1.
    pub limit: Option<usize>,
    /// The attribute to which the items are reduced. Items without it are in the page, empty.
    pub projection: Option<String>,
    /// The [`Page::next`] of the page before this one.
    pub start_after: Option<Item>,
}

impl Query {
    /// Returns the query of all items under a hash key of a table, lowest range key first.
    pub fn new(table: &TableRef, hash: impl Into<String>) -> Self {
        Self {
            table: table.clone(),
            index: None,
            hash: hash.into(),
            range: KeyRange::All,
            descending: false,
            limit: None,
            projection: None,
            start_after: None,
        }
    }
}

/// The range keys that a query reads. Texts are compared by their UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRange {
    /// All.
    All,
    /// Those above this one.
    After(String),
    /// Those below this one.
    Before(String),
    /// Those from the first to the second, both included.
    Between(String, String),
}

/// Some of the items that a query or a scan reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// The key after which the next page begins. `None` at the end. A page may be the last although it has this key, and may have fewer items than
    /// the limit although it is not the last.
    pub next: Option<Item>,
}
