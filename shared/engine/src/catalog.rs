//! The tables that the database has, as requests look them up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use orderflow_store_port::{StoreError, TableDefinition};
use rusqlite::{Connection, params};
use tokio::sync::watch;

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: i64,
    pub(crate) name: Arc<str>,
    pub(crate) hash: String,
    pub(crate) range: Option<String>,
    pub(crate) streams: bool,
    /// When the table was created, in milliseconds since 1970.
    pub(crate) created_at_ms: u64,
    pub(crate) indexes: Vec<Index>,
    /// Counts the writes to the table.
    pub(crate) changes: watch::Sender<u64>,
}

/// An index of a table.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) range: String,
}

impl Table {
    /// Returns whether an attribute is part of the key.
    pub(crate) fn is_key(&self, attribute: &str) -> bool {
        attribute == self.hash || self.range.as_deref() == Some(attribute)
    }

    /// Returns the index with this name.
    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Returns what the table lacks of a definition: indexes, and whether it lacks the stream.
    pub(crate) fn lacks<'a>(
        &'a self,
        definition: &'static TableDefinition,
    ) -> (impl Iterator<Item = &'static orderflow_store_port::IndexDefinition> + 'a, bool) {
        let indexes = definition.indexes.iter().filter(|index| self.index(index.name).is_none());
        (indexes, definition.streams && !self.streams)
    }
}

/// All tables by their full names, and the counters of changes, also of tables that do not exist yet.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    tables: RwLock<HashMap<Arc<str>, Arc<Table>>>,
    changes: Mutex<HashMap<String, watch::Sender<u64>>>,
}

impl Catalog {
    /// Returns the table with this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Table>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns the table with this name, or DynamoDB's error.
    pub(crate) fn find(&self, operation: &'static str, name: &str) -> Result<Arc<Table>, StoreError> {
        self.get(name).ok_or_else(|| StoreError::Request {
            operation,
            table: name.to_owned(),
            code: "ResourceNotFoundException".to_owned(),
            message: format!("Requested resource not found: Table: {name} not found"),
        })
    }

    /// Returns the names of all tables, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = tables.keys().map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    }

    /// Returns a receiver of the number of writes to a table, which need not exist.
    pub(crate) fn watch(&self, name: &str) -> watch::Receiver<u64> {
        Self::counter(&mut self.counters(), name).subscribe()
    }

    /// Reads the tables from the database.
    pub(crate) fn load(&self, connection: &Connection) -> rusqlite::Result<Vec<Arc<Table>>> {
        let mut statement =
            connection.prepare("SELECT id, name, hash, range, streams, created_at FROM tables")?;
        let rows = statement.query_map([], |row| {
            let name: String = row.get(1)?;
            Ok(Table {
                id: row.get(0)?,
                changes: Self::counter(&mut self.counters(), &name),
                name: name.into(),
                hash: row.get(2)?,
                range: row.get(3)?,
                streams: row.get(4)?,
                created_at_ms: row.get(5)?,
                indexes: Vec::new(),
            })
        })?;
        let mut tables = Vec::new();
        for table in rows {
            let mut table = table?;
            table.indexes = indexes(connection, table.id)?;
            tables.push(Arc::new(table));
        }
        let by_name = tables.iter().map(|table| (Arc::clone(&table.name), Arc::clone(table))).collect();
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = by_name;
        Ok(tables)
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counter(counters: &mut HashMap<String, watch::Sender<u64>>, name: &str) -> watch::Sender<u64> {
        match counters.get(name) {
            Some(counter) => counter.clone(),
            None => counters.entry(name.to_owned()).or_insert_with(|| watch::Sender::new(0)).clone(),
        }
    }
}

fn indexes(connection: &Connection, table: i64) -> rusqlite::Result<Vec<Index>> {
    let mut statement =
        connection.prepare("SELECT id, name, hash, range FROM indexes WHERE table_id = ?1 ORDER BY id")?;
    let rows = statement.query_map(params![table], |row| {
        Ok(Index { id: row.get(0)?, name: row.get(1)?, hash: row.get(2)?, range: row.get(3)? })
    })?;
    rows.collect()
}
