//! The items of tables as JSON, for the evidence.

use std::collections::BTreeMap;

use orderflow_analytics::ANALYTICS;
use orderflow_bridge::RUNTIME;
use orderflow_catalog::CATALOG;
use orderflow_inventory::INVENTORY;
use orderflow_notifications::NOTIFICATIONS;
use orderflow_orders::ORDERS;
use orderflow_payments::PAYMENTS;
use orderflow_store::{Item, Store, StoreError, TableDefinition, TableRef, Value};
use serde_json::Value as Json;

/// The tables of the system.
pub(super) static TABLES: [&TableDefinition; 7] =
    [&ORDERS, &CATALOG, &INVENTORY, &PAYMENTS, &NOTIFICATIONS, &ANALYTICS, &RUNTIME];

/// Returns an item as JSON, with its attributes in the order of their names.
pub(super) fn json_of(item: &Item) -> Json {
    let sorted: BTreeMap<&String, &Value> = item.iter().collect();
    Json::Object(sorted.into_iter().map(|(name, value)| (name.clone(), value_of(value))).collect())
}

fn value_of(value: &Value) -> Json {
    match value {
        Value::S(text) => Json::String(text.clone()),
        Value::N(number) => number_of(number),
        Value::Bool(value) => Json::Bool(*value),
        Value::Null(_) => Json::Null,
        Value::L(list) => Json::Array(list.iter().map(value_of).collect()),
        Value::M(map) => json_of(map),
        Value::Ss(texts) => Json::Array(texts.iter().cloned().map(Json::String).collect()),
        Value::Ns(numbers) => Json::Array(numbers.iter().map(|number| number_of(number)).collect()),
        Value::B(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::Bs(list) => Json::Array(
            list.iter().map(|bytes| Json::String(String::from_utf8_lossy(bytes).into_owned())).collect(),
        ),
    }
}

/// Returns a number as JSON; one that JSON cannot hold as text.
fn number_of(number: &str) -> Json {
    serde_json::from_str(number).unwrap_or_else(|_| Json::String(number.to_owned()))
}

/// Returns the key of an item of a table.
pub(super) fn key_of(table: &TableRef, item: &Item) -> Item {
    let names = std::iter::once(table.definition.hash).chain(table.definition.range);
    names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

/// Returns a key as a line of text.
pub(super) fn key_text(table: &TableRef, key: &Item) -> String {
    let names = std::iter::once(table.definition.hash).chain(table.definition.range);
    let parts = names.filter_map(|name| match key.get(name) {
        Some(Value::S(text)) => Some(text.as_str()),
        _ => None,
    });
    let mut text = table.definition.name.to_owned();
    for part in parts {
        text.push(' ');
        text.push_str(part);
    }
    text
}

/// Returns the items of each table, in the order of their keys.
pub(super) async fn contents(store: &Store) -> Result<BTreeMap<String, Vec<Json>>, StoreError> {
    let mut contents = BTreeMap::new();
    for definition in TABLES {
        let table = TableRef { name: store.table_name(definition).into(), definition };
        let mut items: BTreeMap<String, Json> = BTreeMap::new();
        let mut from = None;
        loop {
            let page = store.backend().scan(&table, from).await?;
            for item in &page.items {
                items.insert(key_text(&table, &key_of(&table, item)), json_of(item));
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        contents.insert(definition.name.to_owned(), items.into_values().collect());
    }
    Ok(contents)
}
