//! A copy, in memory, of what a data directory says about its tables, for commands that must change nothing.

use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use crate::read_only;

/// The engine's settings and its list of tables, and the format of the directory.
const LISTS: [&str; 3] = ["_config", "_tables", "_orderflow"];

/// An item to copy: the full name of its table, and its partition key.
pub(crate) type ItemKey<'a> = (&'a str, &'a str);

/// Copies the definitions of all tables, without their items except for these, into an empty database.
pub(crate) fn copy(source: &Path, target: &Connection, items: &[ItemKey<'_>]) -> rusqlite::Result<()> {
    let source = read_only::open(source)?;
    let mut definitions = source.prepare(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY type = 'table' DESC",
    )?;
    for definition in definitions.query_map([], |row| row.get::<_, String>(0))? {
        target.execute_batch(&definition?)?;
    }
    for list in LISTS {
        if source.table_exists(None, list)? {
            copy_rows(&source, target, list, None)?;
        }
    }
    for (table, partition) in items {
        if source.table_exists(None, *table)? {
            copy_rows(&source, target, table, Some(*partition))?;
        }
    }
    Ok(())
}

fn copy_rows(
    source: &Connection,
    target: &Connection,
    table: &str,
    partition: Option<&str>,
) -> rusqlite::Result<()> {
    let name = table.replace('"', "\"\"");
    // The engine stores a text in a key behind the name of its type.
    let filter = if partition.is_some() { " WHERE pk = 'S:' || ?1" } else { "" };
    let mut select = source.prepare(&format!("SELECT * FROM \"{name}\"{filter}"))?;
    let columns = select.column_count();
    let places = vec!["?"; columns].join(", ");
    let mut insert = target.prepare(&format!("INSERT INTO \"{name}\" VALUES ({places})"))?;
    let mut rows = select.query(params_from_iter(partition))?;
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
        insert.execute(params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))?;
    }
    Ok(())
}
