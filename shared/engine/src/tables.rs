//! Creates tables, and adds indexes and streams to existing ones.

use orderflow_store_port::{IndexDefinition, TableDefinition, TableRef};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::catalog::Index;
use crate::encoding::Attributes;
use crate::format::TABLE_SHIFT;
use crate::items::{add_entry, entry};
use crate::prepare::Key;
use crate::request::StorageError;
use crate::writer::Writer;

/// Creates a table if it is missing, or adds what it lacks, in one transaction.
pub(crate) fn create_missing(writer: &mut Writer, table: &TableRef) -> Result<(), StorageError> {
    let definition = table.definition;
    let now = writer.now_ms();
    let transaction = writer.connection.transaction()?;
    let existing: Option<i64> = transaction
        .query_row("SELECT id FROM tables WHERE name = ?1", [&*table.name], |row| row.get(0))
        .optional()?;
    let id = match existing {
        Some(id) => id,
        None => {
            let insert =
                "INSERT INTO tables (name, hash, range, streams, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
            let TableDefinition { hash, range, streams, .. } = definition;
            let values = params![&*table.name, hash, range, streams, now];
            transaction.execute(insert, values)?;
            transaction.last_insert_rowid()
        }
    };
    if definition.streams {
        transaction.execute("UPDATE tables SET streams = 1 WHERE id = ?1", [id])?;
    }
    let (hash, range): (String, Option<String>) =
        transaction.query_row("SELECT hash, range FROM tables WHERE id = ?1", [id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    for index in definition.indexes {
        add_index(&transaction, id, (&hash, range.as_deref()), index)?;
    }
    transaction.commit()?;
    Ok(writer.reload()?)
}

fn add_index(
    transaction: &Transaction<'_>,
    table: i64,
    (hash, range): (&str, Option<&str>),
    definition: &IndexDefinition,
) -> Result<(), StorageError> {
    let insert = "INSERT OR IGNORE INTO indexes (table_id, name, hash, range) VALUES (?1, ?2, ?3, ?4)";
    let values = params![table, definition.name, definition.hash, definition.range];
    if transaction.execute(insert, values)? == 0 {
        return Ok(());
    }
    let index = Index {
        id: transaction.last_insert_rowid(),
        name: definition.name.to_owned(),
        hash: definition.hash.to_owned(),
        range: definition.range.to_owned(),
    };
    fill(transaction, table, (hash, range), &index)
}

/// Adds the items of a table to an index.
fn fill(
    connection: &Connection,
    table: i64,
    (hash, range): (&str, Option<&str>),
    index: &Index,
) -> Result<(), StorageError> {
    let first = table << TABLE_SHIFT;
    let mut items = connection.prepare("SELECT body FROM items WHERE id BETWEEN ?1 AND ?2")?;
    let mut rows = items.query(params![first, first + (1 << TABLE_SHIFT) - 1])?;
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(0)?;
        let attributes = Attributes::of(&body)?;
        let Some((entry_hash, entry_range)) = entry(index, &attributes) else { continue };
        let text = |name: &str| attributes.text(name).unwrap_or_default().to_owned();
        let key = Key { hash: text(hash), range: range.map(text).unwrap_or_default() };
        add_entry(connection, index.id, entry_hash, entry_range, &key)?;
    }
    Ok(())
}
