//! A copy of what a data directory says about its tables, for commands that must change nothing.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::read_only;

/// Copies the definitions of all tables, and these items, into an empty database: each the full name of a table, and a partition key.
pub(crate) fn copy(database: &Path, target: &Connection, items: &[(&str, &str)]) -> rusqlite::Result<()> {
    let source = read_only::open(database)?;
    copy_rows(&source, target, "tables", "id, name, hash, range, streams, created_at")?;
    copy_rows(&source, target, "indexes", "id, table_id, name, hash, range")?;
    for (table, hash) in items {
        copy_item(&source, target, table, hash)?;
    }
    Ok(())
}

fn copy_rows(source: &Connection, target: &Connection, table: &str, columns: &str) -> rusqlite::Result<()> {
    let mut select = source.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let count = select.column_count();
    let places = vec!["?"; count].join(", ");
    let mut insert = target.prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({places})"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..count).map(|column| row.get::<_, rusqlite::types::Value>(column));
        insert.execute(params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))?;
    }
    Ok(())
}

fn copy_item(source: &Connection, target: &Connection, table: &str, hash: &str) -> rusqlite::Result<()> {
    let select = "SELECT keys.table_id, keys.item, items.body FROM tables JOIN keys ON keys.table_id = tables.id
                  JOIN items ON items.id = keys.item WHERE tables.name = ?1 AND keys.hash = ?2 AND keys.range = ''";
    let found: Option<(i64, i64, Vec<u8>)> = source
        .query_row(select, [table, hash], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    if let Some((table_id, item, body)) = found {
        target.execute("INSERT INTO keys VALUES (?1, ?2, '', ?3)", params![table_id, hash, item])?;
        target.execute("INSERT INTO items VALUES (?1, ?2)", params![item, body])?;
    }
    Ok(())
}
