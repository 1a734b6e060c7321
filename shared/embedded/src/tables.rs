//! The tables that the engine lists, and the completion of those that are only half made.
//!
//! The engine lists a table before it creates the SQL tables of its items and indexes, each in a commit of its own. A process that ends in
//! between leaves a table that is listed and cannot be used.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, params};
use serde_json::Value;

/// A table as the engine lists it.
struct Listed {
    name: String,
    /// The definitions of its global secondary indexes.
    indexes: Vec<Value>,
    /// Whether the SQL table of its items exists.
    has_items: bool,
    /// Whether it has stream records, which only writes make.
    was_written: bool,
}

/// Makes the list true, so that creating missing tables and indexes completes what an earlier process did not: removes from it the tables
/// without an SQL table, and the indexes without one. Removes no items.
pub(crate) fn complete(connection: &mut Connection) -> rusqlite::Result<()> {
    if !connection.table_exists(None, "_tables")? {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    let existing = sql_tables(&transaction)?;
    for table in listed(&transaction, &existing)? {
        complete_table(&transaction, &existing, table)?;
    }
    transaction.commit()
}

fn complete_table(
    transaction: &Transaction<'_>,
    existing: &BTreeSet<String>,
    table: Listed,
) -> rusqlite::Result<()> {
    let Listed { name, indexes, has_items, was_written } = table;
    if !has_items {
        // A table that was written to is damaged and stays as it is; one that was never written to is created again.
        if !was_written {
            transaction.execute("DELETE FROM _tables WHERE table_name = ?1", [&name])?;
            tracing::warn!(table = name, "table was only half created and will be created again");
        }
        return Ok(());
    }
    let count = indexes.len();
    let (whole, missing): (Vec<_>, Vec<_>) =
        indexes.into_iter().partition(|index| existing.contains(&sql_index_table(&name, index)));
    for index in &whole {
        let sql_table = sql_index_table(&name, index).replace('"', "\"\"");
        transaction.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS \"{sql_table}::base_key\" ON \"{sql_table}\" (table_pk, table_sk)"
        ))?;
    }
    if whole.len() < count {
        let remaining = (!whole.is_empty()).then(|| Value::Array(whole).to_string());
        transaction.execute(
            "UPDATE _tables SET gsi_definitions = ?2 WHERE table_name = ?1",
            params![name, remaining],
        )?;
        tracing::warn!(
            table = name,
            indexes = missing.len(),
            "indexes were not created and will be created again"
        );
    }
    Ok(())
}

fn listed(connection: &Connection, existing: &BTreeSet<String>) -> rusqlite::Result<Vec<Listed>> {
    let mut statement = connection.prepare(
        "SELECT table_name, gsi_definitions,
                EXISTS (SELECT 1 FROM _stream_records AS r WHERE r.table_name = t.table_name)
         FROM _tables AS t",
    )?;
    let rows = statement.query_map([], |row| {
        let name: String = row.get(0)?;
        let definitions: Option<String> = row.get(1)?;
        Ok(Listed {
            has_items: existing.contains(&name),
            indexes: definitions.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            was_written: row.get(2)?,
            name,
        })
    })?;
    rows.collect()
}

fn sql_tables(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Returns the name of the SQL table in which the engine keeps an index.
fn sql_index_table(table: &str, index: &Value) -> String {
    format!("{table}::gsi::{}", index["IndexName"].as_str().unwrap_or_default())
}
