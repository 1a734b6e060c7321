//! The rows of items, of their keys, and of their entries in indexes.

use rusqlite::{Connection, OptionalExtension, params};

use crate::catalog::{Index, Table};
use crate::encoding::{self, Attributes};
use crate::format::TABLE_SHIFT;
use crate::prepare::{Key, Prepared};
use crate::records::RecordKind;
use crate::request::StorageError;

/// An item that is stored.
#[derive(Debug)]
pub(crate) struct Existing {
    pub(crate) id: i64,
    pub(crate) body: Vec<u8>,
}

/// Returns the item that is stored under a key.
pub(crate) fn existing(
    connection: &Connection,
    table: i64,
    key: &Key,
) -> Result<Option<Existing>, StorageError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, body FROM keys JOIN items ON id = item WHERE table_id = ?1 AND hash = ?2 AND range = ?3",
    )?;
    let found = statement.query_row(params![table, key.hash, key.range], |row| {
        Ok(Existing { id: row.get(0)?, body: row.get(1)? })
    });
    Ok(found.optional()?)
}

/// Stores what a write makes of its item. `next` is the number of a new item.
pub(crate) fn store(
    connection: &Connection,
    write: &Prepared,
    existing: Option<&Existing>,
    body: Option<&[u8]>,
    next: i64,
) -> Result<RecordKind, StorageError> {
    let Prepared { table, key, .. } = write;
    let kind = match (existing, body) {
        (None, Some(body)) => {
            let id = (table << TABLE_SHIFT) + next;
            let mut insert = connection.prepare_cached("INSERT INTO items (id, body) VALUES (?1, ?2)")?;
            insert.execute(params![id, body])?;
            let mut insert = connection
                .prepare_cached("INSERT INTO keys (table_id, hash, range, item) VALUES (?1, ?2, ?3, ?4)")?;
            insert.execute(params![table, key.hash, key.range, id])?;
            RecordKind::Insert
        }
        (Some(existing), Some(body)) => {
            let mut update = connection.prepare_cached("UPDATE items SET body = ?2 WHERE id = ?1")?;
            update.execute(params![existing.id, body])?;
            RecordKind::Modify
        }
        (Some(existing), None) => {
            let mut delete = connection.prepare_cached("DELETE FROM items WHERE id = ?1")?;
            delete.execute([existing.id])?;
            let mut delete = connection
                .prepare_cached("DELETE FROM keys WHERE table_id = ?1 AND hash = ?2 AND range = ?3")?;
            delete.execute(params![table, key.hash, key.range])?;
            RecordKind::Remove
        }
        (None, None) => RecordKind::Remove,
    };
    Ok(kind)
}

/// Makes an index have an item's new keys in place of its old ones.
pub(crate) fn move_entry(
    connection: &Connection,
    index: &Index,
    key: &Key,
    old: &Attributes<'_>,
    new: &Attributes<'_>,
) -> rusqlite::Result<()> {
    let (old, new) = (entry(index, old), entry(index, new));
    if old == new {
        return Ok(());
    }
    if let Some((hash, range)) = old {
        let mut delete = connection.prepare_cached(
            "DELETE FROM entries WHERE index_id = ?1 AND hash = ?2 AND range = ?3 AND item_hash = ?4 AND item_range = ?5",
        )?;
        delete.execute(params![index.id, hash, range, key.hash, key.range])?;
    }
    if let Some((hash, range)) = new {
        add_entry(connection, index.id, hash, range, key)?;
    }
    Ok(())
}

/// Adds an entry to an index.
pub(crate) fn add_entry(
    connection: &Connection,
    index: i64,
    hash: &str,
    range: &str,
    key: &Key,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO entries (index_id, hash, range, item_hash, item_range) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.execute(params![index, hash, range, key.hash, key.range]).map(drop)
}

/// Returns the keys under which an index has an item with these attributes.
pub(crate) fn entry<'a>(index: &Index, attributes: &Attributes<'a>) -> Option<(&'a str, &'a str)> {
    let text = |name: &str| attributes.text(name).filter(|text| !text.is_empty());
    Some((text(&index.hash)?, text(&index.range)?))
}

/// Returns the stored form of a key.
pub(crate) fn key_body(table: &Table, key: &Key) -> Vec<u8> {
    let (hash, range) = (encoding::encode_text(&key.hash), encoding::encode_text(&key.range));
    let mut attributes = vec![(table.hash.as_str(), hash.as_slice())];
    if let Some(name) = &table.range {
        attributes.push((name.as_str(), range.as_slice()));
    }
    attributes.sort_unstable();
    encoding::join(attributes)
}
