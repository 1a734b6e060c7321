//! A store in memory, a table and items, for the tests of this crate.

use std::sync::atomic::{AtomicU32, Ordering};

use orderflow_embedded::{Embedded, Fault};
use serde::{Deserialize, Serialize};

use crate::{DynamoDb, IndependentWrites, IndexDefinition, Item, Store, Table, TableDefinition, Value};

pub(crate) static THINGS: TableDefinition = TableDefinition {
    name: "things",
    hash: "id",
    range: None,
    indexes: &[IndexDefinition { name: "by_group", hash: "group", range: "at" }],
    streams: true,
};

/// A table with a range key.
pub(crate) static SHELVES: TableDefinition =
    TableDefinition { name: "shelves", hash: "shelf", range: Some("place"), indexes: &[], streams: false };

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub id: String,
    pub group: String,
    pub at: String,
    pub level: i64,
    pub version: u32,
}

impl Thing {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), group: "all#0".to_owned(), at: format!("{id}-at"), level: 10, version: 1 }
    }
}

/// A store in memory in which the table [`THINGS`] exists.
pub(crate) struct World {
    pub embedded: Embedded,
    pub store: Store,
    pub things: Table,
}

impl World {
    pub(crate) async fn new(independent_writes: IndependentWrites) -> Self {
        let embedded = Embedded::in_memory().unwrap();
        let dynamodb = DynamoDb::new(embedded.dynamodb(), embedded.streams(), independent_writes);
        let store = Store::new(std::sync::Arc::new(dynamodb), "test");
        store.create_missing_tables(&[&THINGS]).await.unwrap();
        let things = store.table(&THINGS);
        Self { embedded, store, things }
    }

    pub(crate) fn key(&self, id: &str) -> Item {
        self.things.key(id)
    }

    pub(crate) async fn thing(&self, id: &str) -> Option<Thing> {
        self.things.get(self.key(id)).await.unwrap()
    }

    /// Returns the item with all of its attributes.
    pub(crate) async fn item(&self, id: &str) -> Option<Item> {
        self.things.get_items(vec![self.key(id)]).await.unwrap().pop()
    }

    /// Makes the first `times` requests of an operation fail.
    pub(crate) fn fail_first(&self, operation: &'static str, times: u32, fault: Fault) {
        let left = AtomicU32::new(times);
        self.embedded.inject(std::sync::Arc::new(move |requested: &str, _: &serde_json::Value| {
            let hit = requested == operation
                && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            hit.then(|| fault.clone())
        }));
    }
}

pub(crate) fn number(value: i64) -> Value {
    Value::N(value.to_string())
}
