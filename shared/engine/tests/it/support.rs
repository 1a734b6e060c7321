use std::path::Path;

use orderflow_engine::{Engine, EngineError, Location, Options};
use orderflow_store_port::{
    Assignment, Backend, Condition, IndexDefinition, Item, Operation, Query, StreamRecord, TableDefinition,
    TableRef, Value, Write,
};

pub(crate) static THINGS: TableDefinition =
    TableDefinition { name: "things", hash: "id", range: None, indexes: &[BY_COLOR], streams: true };

pub(crate) const BY_COLOR: IndexDefinition =
    IndexDefinition { name: "by_color", hash: "color", range: "size" };

pub(crate) static SHELVES: TableDefinition =
    TableDefinition { name: "shelves", hash: "shelf", range: Some("place"), indexes: &[], streams: false };

pub(crate) fn things() -> TableRef {
    TableRef { name: "test-things".into(), definition: &THINGS }
}

pub(crate) fn shelves() -> TableRef {
    TableRef { name: "test-shelves".into(), definition: &SHELVES }
}

/// Returns the same database twice: in memory, and in a directory.
pub(crate) async fn both() -> Vec<(Engine, Option<tempfile::TempDir>)> {
    let directory = tempfile::tempdir().unwrap();
    let in_directory = open(directory.path()).unwrap();
    let in_memory = Engine::open(Options::new(Location::Memory)).unwrap();
    for engine in [&in_memory, &in_directory] {
        create(engine).await;
    }
    vec![(in_memory, None), (in_directory, Some(directory))]
}

pub(crate) async fn create(engine: &Engine) {
    engine.create_missing(&things()).await.unwrap();
    engine.create_missing(&shelves()).await.unwrap();
}

pub(crate) fn open(directory: &Path) -> Result<Engine, EngineError> {
    Engine::open(Options::new(Location::Directory(directory.to_owned())))
}

pub(crate) fn text(text: impl Into<String>) -> Value {
    Value::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> Value {
    Value::N(number.to_string())
}

pub(crate) fn item(attributes: &[(&str, Value)]) -> Item {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub(crate) fn key(id: &str) -> Item {
    item(&[("id", text(id))])
}

pub(crate) fn thing(id: &str, color: &str, size: &str) -> Item {
    item(&[("id", text(id)), ("color", text(color)), ("size", text(size))])
}

pub(crate) fn put(table: &TableRef, item: Item) -> Write {
    Write { table: table.clone(), operation: Operation::Put(item), conditions: Vec::new() }
}

pub(crate) fn put_new(id: &str) -> Write {
    Write { conditions: vec![Condition::Absent], ..put(&things(), key(id)) }
}

pub(crate) fn update(id: &str, assignments: Vec<Assignment>) -> Write {
    let operation = Operation::Update { key: key(id), assignments };
    Write { table: things(), operation, conditions: Vec::new() }
}

pub(crate) fn delete(id: &str) -> Write {
    Write { table: things(), operation: Operation::Delete { key: key(id) }, conditions: Vec::new() }
}

pub(crate) async fn get(engine: &Engine, id: &str) -> Option<Item> {
    engine.get(&things(), key(id)).await.unwrap()
}

/// Returns the ids of the things with a color, by size.
pub(crate) async fn of_color(engine: &Engine, color: &str) -> Vec<String> {
    let query = Query { index: Some(&BY_COLOR), ..Query::new(&things(), color) };
    let page = engine.query(query).await.unwrap();
    page.items.iter().map(|item| as_text(&item["id"])).collect()
}

pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::S(text) => text.clone(),
        other => panic!("{other:?} is not a text"),
    }
}

/// Returns all records of the stream of things.
pub(crate) async fn records(engine: &Engine) -> Vec<StreamRecord> {
    let mut reader = engine.open_stream("test-things", Vec::new()).await.unwrap();
    let mut records = Vec::new();
    loop {
        let batches = reader.read().await.unwrap();
        if batches.is_empty() {
            return records;
        }
        records.extend(batches.into_iter().flat_map(|batch| batch.records));
    }
}
