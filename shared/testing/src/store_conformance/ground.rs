//! The tables of one scenario, and short forms of items and writes.

use std::sync::Arc;

use orderflow_store::{Backend, IndexDefinition, Item, TableDefinition, TableRef, Value};
use orderflow_store_port::{Assignment, Condition, Operation, Query, Write, WriteError};

use super::StoreUnderTest;

/// A table with a hash key, an index and a stream.
pub(super) static THINGS: TableDefinition = TableDefinition {
    name: "things",
    hash: "id",
    range: None,
    indexes: &[IndexDefinition { name: "by_group", hash: "group", range: "at" }],
    streams: true,
};

/// A table with a range key, without index and stream.
pub(super) static SHELVES: TableDefinition =
    TableDefinition { name: "shelves", hash: "shelf", range: Some("place"), indexes: &[], streams: false };

/// A backend with the tables of one scenario.
pub(super) struct Ground<S> {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) things: TableRef,
    pub(super) shelves: TableRef,
    prefix: String,
    _store: S,
}

impl<S: StoreUnderTest> Ground<S> {
    pub(super) async fn open() -> Self {
        let store = S::open().await;
        let prefix = format!("c{:016x}", fastrand::u64(..));
        let ground = Self {
            backend: store.backend(),
            things: table(&prefix, &THINGS),
            shelves: table(&prefix, &SHELVES),
            prefix,
            _store: store,
        };
        ground.backend.create_missing(&ground.things).await.unwrap();
        ground.backend.create_missing(&ground.shelves).await.unwrap();
        ground
    }

    /// Returns another table of this scenario, which does not exist yet.
    pub(super) fn table(&self, definition: &'static TableDefinition) -> TableRef {
        table(&self.prefix, definition)
    }

    pub(super) async fn write(&self, write: Write) -> Result<(), WriteError> {
        self.backend.write(&write).await
    }

    /// Puts an item into the table of things.
    pub(super) async fn put<const N: usize>(&self, id: &str, attributes: [(&str, Value); N]) {
        self.write(put(&self.things, thing(id, attributes))).await.unwrap();
    }

    pub(super) async fn thing(&self, id: &str) -> Option<Item> {
        self.backend.get(&self.things, key(id)).await.unwrap()
    }

    /// Reads all pages of a query.
    pub(super) async fn all(&self, mut query: Query) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            let page = self.backend.query(query.clone()).await.unwrap();
            items.extend(page.items);
            query.start_after = page.next;
            if query.start_after.is_none() {
                return items;
            }
        }
    }
}

fn table(prefix: &str, definition: &'static TableDefinition) -> TableRef {
    TableRef { name: format!("{prefix}-{}", definition.name).into(), definition }
}

pub(super) fn s(text: impl Into<String>) -> Value {
    Value::S(text.into())
}

pub(super) fn n(number: impl ToString) -> Value {
    Value::N(number.to_string())
}

pub(super) fn item<const N: usize>(attributes: [(&str, Value); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn key(id: &str) -> Item {
    item([("id", s(id))])
}

pub(super) fn thing<const N: usize>(id: &str, attributes: [(&str, Value); N]) -> Item {
    let mut thing = item(attributes);
    thing.insert("id".to_owned(), s(id));
    thing
}

pub(super) fn place(shelf: &str, place: &str) -> Item {
    item([("shelf", s(shelf)), ("place", s(place))])
}

pub(super) fn put(table: &TableRef, item: Item) -> Write {
    Write { table: table.clone(), operation: Operation::Put(item), conditions: Vec::new() }
}

pub(super) fn update(table: &TableRef, key: Item, assignments: Vec<Assignment>) -> Write {
    let operation = Operation::Update { key, assignments };
    Write { table: table.clone(), operation, conditions: Vec::new() }
}

pub(super) fn delete(table: &TableRef, key: Item) -> Write {
    Write { table: table.clone(), operation: Operation::Delete { key }, conditions: Vec::new() }
}

pub(super) fn only_if(mut write: Write, condition: Condition) -> Write {
    write.conditions.push(condition);
    write
}

pub(super) fn set(attribute: &str, value: Value) -> Assignment {
    Assignment::Set(attribute.to_owned(), value)
}

/// Returns DynamoDB's code of a refusal.
pub(super) fn code(result: &Result<(), WriteError>) -> &str {
    match result {
        Err(WriteError::Store(orderflow_store::StoreError::Request { code, .. })) => code,
        other => panic!("not refused: {other:?}"),
    }
}
