//! Reads items by their keys, ranges of items, and whole tables.

use orderflow_store_port::{Item, KeyRange, Page, Query, Value};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::catalog::{Index, Table};
use crate::encoding::{self, Attributes, Invalid};
use crate::prepare::{Key, exact_key, key_of};
use crate::request::StorageError;

/// The most bytes of items after which a page ends (DynamoDB limit).
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Returns the item with a key.
pub(crate) fn get(connection: &Connection, table: &Table, key: &Key) -> Result<Option<Item>, StorageError> {
    let mut statement = connection.prepare_cached(
        "SELECT body FROM keys JOIN items ON id = item WHERE table_id = ?1 AND hash = ?2 AND range = ?3",
    )?;
    let item = statement.query_row(params![table.id, key.hash, key.range], |row| Ok(decode(row, 0)));
    item.optional()?.transpose()
}

/// Returns those items of these keys that exist, as of one point in time.
pub(crate) fn get_batch(
    connection: &Connection,
    table: &Table,
    keys: &[Key],
) -> Result<Vec<Item>, StorageError> {
    let mut found = Vec::with_capacity(keys.len());
    let snapshot = connection.unchecked_transaction()?;
    for key in keys {
        found.extend(get(&snapshot, table, key)?);
    }
    snapshot.commit()?;
    Ok(found)
}

fn decode(row: &Row<'_>, column: usize) -> Result<Item, StorageError> {
    let body = row.get_ref(column)?.as_blob().map_err(|error| StorageError::new(error.to_string()))?;
    Ok(encoding::decode(body)?)
}

/// The bounds of the range keys of a query, as SQL and as values.
struct Bounds {
    above: &'static str,
    low: String,
    below: &'static str,
    /// `None` if the range has no upper end.
    high: Option<String>,
}

impl Bounds {
    fn of(range: &KeyRange) -> Self {
        let (above, low, below, high) = match range {
            KeyRange::All => (">=", "", "<", None),
            KeyRange::After(low) => (">", low.as_str(), "<", None),
            KeyRange::Before(high) => (">=", "", "<", Some(high)),
            KeyRange::Between(low, high) => (">=", low.as_str(), "<=", Some(high)),
        };
        Self { above, low: low.to_owned(), below, high: high.cloned() }
    }

    /// Continues after a range key.
    fn after(&mut self, range: &str, descending: bool) {
        if descending && self.high.as_deref().is_none_or(|high| range <= high) {
            (self.below, self.high) = ("<", Some(range.to_owned()));
        } else if !descending && range >= self.low.as_str() {
            (self.above, self.low) = (">", range.to_owned());
        }
    }

    /// Returns the upper end for SQLite, which has blobs after all texts.
    fn high(high: Option<String>) -> SqlValue {
        high.map_or(SqlValue::Blob(Vec::new()), SqlValue::Text)
    }
}

/// Returns a page of a query.
///
/// # Errors
/// [`StorageError`] if the database fails, and [`Invalid`] if the query is not one that DynamoDB takes.
pub(crate) fn query(
    connection: &Connection,
    table: &Table,
    query: &Query,
) -> Result<Result<Page, Invalid>, StorageError> {
    if query.limit == Some(0) {
        return Ok(Err(
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint".to_owned()
        ));
    }
    if query.hash.is_empty() {
        return Ok(Err("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value".to_owned()));
    }
    match &query.index {
        None => query_table(connection, table, query),
        Some(definition) => match table.index(definition.name) {
            None => Ok(Err(format!("The table does not have the specified index: {}", definition.name))),
            Some(index) => query_index(connection, table, index, query),
        },
    }
}

fn query_table(
    connection: &Connection,
    table: &Table,
    query: &Query,
) -> Result<Result<Page, Invalid>, StorageError> {
    let mut bounds = Bounds::of(&query.range);
    if let Some(start) = &query.start_after {
        match exact_key(table, start) {
            Ok(key) if key.hash == query.hash => bounds.after(&key.range, query.descending),
            Ok(_) => {
                return Ok(Err(
                    "The provided starting key is outside query boundaries based on provided conditions"
                        .to_owned(),
                ));
            }
            Err(_) => return Ok(Err("The provided starting key is invalid".to_owned())),
        }
    }
    let order = if query.descending { "DESC" } else { "ASC" };
    let Bounds { above, low, below, high } = bounds;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT range, body FROM keys JOIN items ON id = item
         WHERE table_id = ?1 AND hash = ?2 AND range {above} ?3 AND range {below} ?4 ORDER BY range {order}"
    ))?;
    let mut rows = statement.query(params![table.id, query.hash, low, Bounds::high(high)])?;
    let mut page = Filling::new(query.limit);
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_blob().map_err(|error| StorageError::new(error.to_string()))?;
        if page.is_full() {
            return Ok(Ok(page.unfinished()));
        }
        let key = Key { hash: query.hash.clone(), range: row.get(0)? };
        page.add(reduced(body, query.projection.as_deref())?, body.len(), || key_item(table, &key));
    }
    Ok(Ok(page.finished()))
}

fn reduced(body: &[u8], projection: Option<&str>) -> Result<Item, StorageError> {
    let Some(name) = projection else { return Ok(encoding::decode(body)?) };
    let value = Attributes::of(body)?.get(name).map(encoding::decode_value).transpose()?;
    Ok(value.map(|value| (name.to_owned(), value)).into_iter().collect())
}

/// The keys of an item under which an index has it.
struct Entry {
    range: String,
    key: Key,
}

fn query_index(
    connection: &Connection,
    table: &Table,
    index: &Index,
    query: &Query,
) -> Result<Result<Page, Invalid>, StorageError> {
    let Bounds { above, low, below, high } = Bounds::of(&query.range);
    let mut values = vec![index.id.into(), query.hash.clone().into(), low.into(), Bounds::high(high)];
    let start = match query.start_after.as_ref().map(|start| start_entry(table, index, start)).transpose() {
        Ok(start) => start,
        Err(invalid) => return Ok(Err(invalid)),
    };
    let (order, beyond) = if query.descending { ("DESC", "<") } else { ("ASC", ">") };
    let mut continued = String::new();
    if let Some(Entry { range, key }) = start {
        continued = format!("AND (range, item_hash, item_range) {beyond} (?5, ?6, ?7)");
        values.extend([range, key.hash, key.range].map(SqlValue::Text));
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT range, item_hash, item_range FROM entries
         WHERE index_id = ?1 AND hash = ?2 AND range {above} ?3 AND range {below} ?4 {continued}
         ORDER BY range {order}, item_hash {order}, item_range {order}"
    ))?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Filling::new(query.limit);
    while let Some(row) = rows.next()? {
        if page.is_full() {
            return Ok(Ok(page.unfinished()));
        }
        let entry = Entry { range: row.get(0)?, key: Key { hash: row.get(1)?, range: row.get(2)? } };
        let bytes = entry.range.len() + entry.key.hash.len() + entry.key.range.len();
        let keys = entry_item(table, index, &query.hash, &entry);
        let item = match &query.projection {
            None => keys.clone(),
            Some(name) => keys
                .get_key_value(name)
                .map(|(name, value)| (name.clone(), value.clone()))
                .into_iter()
                .collect(),
        };
        page.add(item, bytes, || keys);
    }
    Ok(Ok(page.finished()))
}

fn start_entry(table: &Table, index: &Index, start: &Item) -> Result<Entry, Invalid> {
    let invalid = || "The provided starting key is invalid".to_owned();
    let key = key_of(table, start).map_err(|_| invalid())?;
    match (start.get(&index.hash), start.get(&index.range)) {
        (Some(Value::S(_)), Some(Value::S(range))) => Ok(Entry { range: range.clone(), key }),
        _ => Err(invalid()),
    }
}

fn key_item(table: &Table, key: &Key) -> Item {
    let mut item = Item::from([(table.hash.clone(), Value::S(key.hash.clone()))]);
    if let Some(name) = &table.range {
        item.insert(name.clone(), Value::S(key.range.clone()));
    }
    item
}

fn entry_item(table: &Table, index: &Index, hash: &str, entry: &Entry) -> Item {
    let mut item = key_item(table, &entry.key);
    item.insert(index.hash.clone(), Value::S(hash.to_owned()));
    item.insert(index.range.clone(), Value::S(entry.range.clone()));
    item
}

/// Returns a page of all items of a table, in the order of their keys.
pub(crate) fn scan(
    connection: &Connection,
    table: &Table,
    start_after: Option<&Item>,
) -> Result<Result<Page, Invalid>, StorageError> {
    let mut after = Key::default();
    if let Some(start) = start_after {
        match exact_key(table, start) {
            Ok(key) => after = key,
            Err(_) => return Ok(Err("The provided starting key is invalid".to_owned())),
        }
    }
    let mut statement = connection.prepare_cached(
        "SELECT hash, range, body FROM keys JOIN items ON id = item
         WHERE table_id = ?1 AND (hash, range) > (?2, ?3) ORDER BY hash, range",
    )?;
    let mut rows = statement.query(params![table.id, after.hash, after.range])?;
    let mut page = Filling::new(None);
    while let Some(row) = rows.next()? {
        if page.is_full() {
            return Ok(Ok(page.unfinished()));
        }
        let body = row.get_ref(2)?.as_blob().map_err(|error| StorageError::new(error.to_string()))?;
        let key = Key { hash: row.get(0)?, range: row.get(1)? };
        page.add(encoding::decode(body)?, body.len(), || key_item(table, &key));
    }
    Ok(Ok(page.finished()))
}

/// A page that is being filled.
struct Filling {
    items: Vec<Item>,
    last: Option<Item>,
    bytes: usize,
    limit: usize,
}

impl Filling {
    fn new(limit: Option<usize>) -> Self {
        Self { items: Vec::new(), last: None, bytes: 0, limit: limit.unwrap_or(usize::MAX) }
    }

    fn is_full(&self) -> bool {
        self.items.len() >= self.limit || self.bytes >= PAGE_BYTES_MAX
    }

    fn add(&mut self, item: Item, bytes: usize, key: impl FnOnce() -> Item) {
        self.items.push(item);
        self.bytes += bytes;
        if self.is_full() {
            self.last = Some(key());
        }
    }

    fn unfinished(self) -> Page {
        Page { items: self.items, next: self.last }
    }

    fn finished(self) -> Page {
        Page { items: self.items, next: None }
    }
}
