//! Maintains the engine's table of stream records, which is part of its private schema.
//!
//! The engine numbers and reads the records of a stream without an index and never deletes any, so each write would read the whole stream. Two
//! indexes and trimming solve that. Because the schema is private, the workspace manifest pins the engine's exact version, and each open checks
//! the columns.

use rusqlite::{Connection, params};

use crate::EmbeddedError;

/// The columns that the indexes and the trimming use, with their declared types.
const COLUMNS_RELIED_ON: [(&str, &str); 4] =
    [("id", "INTEGER"), ("table_name", "TEXT"), ("sequence_number", "TEXT"), ("shard_id", "TEXT")];

/// Creates the indexes. Their expressions equal those of the engine's statements, because SQLite uses an index on an expression only then.
const CREATE_INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS _orderflow_stream_by_table
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE INDEX IF NOT EXISTS _orderflow_stream_by_shard
        ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));";

/// Deletes the oldest records of a table. The newest one stays, because the engine continues its numbering from it: if the clock was set back,
/// numbers could start again at a lower value, and a reader at a higher position would miss the new records.
const TRIM: &str = "
    DELETE FROM _stream_records WHERE id IN (
        SELECT id FROM _stream_records
        WHERE table_name = ?1
          AND CAST(sequence_number AS INTEGER) <= ?2
          AND CAST(sequence_number AS INTEGER) <
              (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
        ORDER BY CAST(sequence_number AS INTEGER)
        LIMIT ?3)";

/// The most records that one call of [`trim`] deletes. It takes a few milliseconds, during which requests wait.
pub(crate) const TRIM_BATCH: u64 = 1_000;

/// Checks the engine's schema and creates the indexes. The engine must have opened the database before.
pub(crate) fn prepare(connection: &Connection) -> Result<(), EmbeddedError> {
    let columns = stream_columns(connection)?;
    for (column, expected) in COLUMNS_RELIED_ON {
        if !columns.iter().any(|(name, kind)| name == column && kind == expected) {
            return Err(EmbeddedError::UnexpectedSchema { column, expected });
        }
    }
    Ok(connection.execute_batch(CREATE_INDEXES)?)
}

/// Deletes up to [`TRIM_BATCH`] of the oldest records of a table whose stored sequence number is at most `through`.
pub(crate) fn trim(connection: &Connection, table: &str, through: i64) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(TRIM)?;
    let removed = statement.execute(params![table, through, TRIM_BATCH])?;
    Ok(removed as u64)
}

fn stream_columns(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare("PRAGMA table_info(_stream_records)")?
        .query_map([], |row| Ok((row.get("name")?, row.get("type")?)))?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ENGINE_VERSION;

    /// Returns a database in a file, so that a second connection can read the engine's schema.
    fn engine_schema() -> (tempfile::TempDir, dynoxide::Database, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine.db");
        let database = dynoxide::Database::new(path.to_str().unwrap()).unwrap();
        let connection = Connection::open(&path).unwrap();
        (directory, database, connection)
    }

    #[test]
    fn the_pinned_engine_has_the_expected_schema() {
        let (_directory, _database, connection) = engine_schema();
        let columns = stream_columns(&connection).unwrap();
        let columns: Vec<_> = columns.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
        assert_eq!(
            columns,
            [
                ("id", "INTEGER"),
                ("table_name", "TEXT"),
                ("event_name", "TEXT"),
                ("keys_json", "TEXT"),
                ("new_image", "TEXT"),
                ("old_image", "TEXT"),
                ("sequence_number", "TEXT"),
                ("shard_id", "TEXT"),
                ("created_at", "INTEGER"),
                ("user_identity", "TEXT"),
                ("event_id", "TEXT"),
            ],
            "dynoxide changed its private schema: read its storage.rs, adapt this module, then this list"
        );
    }

    #[test]
    fn a_missing_column_is_named_together_with_the_engine_version() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE _stream_records (id INTEGER, table_name TEXT, sequence_number INTEGER)",
            )
            .unwrap();
        let error = prepare(&connection).unwrap_err();
        assert!(matches!(
            error,
            EmbeddedError::UnexpectedSchema { column: "sequence_number", expected: "TEXT" }
        ));
        assert!(error.to_string().contains(ENGINE_VERSION), "{error}");
    }

    /// The statements are those of the engine, from `Storage::next_stream_sequence_number` (part of each write) and
    /// `Storage::stream_records_with_event_ids`.
    #[test]
    fn the_engines_statements_use_an_index() {
        let (_directory, _database, connection) = engine_schema();
        prepare(&connection).unwrap();
        let numbering = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
                         WHERE table_name = ?1";
        let reading = "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, \
                       user_identity, event_id FROM _stream_records WHERE table_name = ?1 AND shard_id = ?2 \
                       AND CAST(sequence_number AS INTEGER) > ?3 ORDER BY CAST(sequence_number AS INTEGER) ASC \
                       LIMIT ?4";
        for (statement, index) in [
            (numbering, "_orderflow_stream_by_table"),
            (reading, "_orderflow_stream_by_shard"),
            (TRIM, "_orderflow"),
        ] {
            let plan = query_plan(&connection, statement);
            assert!(plan.contains("SEARCH _stream_records USING"), "{plan}");
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("SCAN"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    fn query_plan(connection: &Connection, statement: &str) -> String {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let nulls = vec![rusqlite::types::Null; explain.parameter_count()];
        let lines =
            explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>("detail"));
        lines.unwrap().map(|line| line.unwrap()).collect::<Vec<_>>().join("\n")
    }
}
