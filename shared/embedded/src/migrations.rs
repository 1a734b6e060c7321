//! The format of a data directory: its version, which the table `_orderflow` records, and the migrations from older versions.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::{EmbeddedError, read_only};

/// The format that this version writes. Each migration raises it by one.
pub const SCHEMA_VERSION: u32 = 1;

/// Converts the data from one format to the next. It runs in the transaction that records the new format.
pub(crate) type Migration = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// All migrations. The one at index n converts format n + 1 to format n + 2.
pub(crate) const MIGRATIONS: &[Migration] = &[];

const _: () = assert!(MIGRATIONS.len() + 1 == SCHEMA_VERSION as usize);

/// Returns the format of a database, or `None` if it is empty. Changes nothing.
pub(crate) fn found(connection: &Connection) -> Result<Option<u32>, EmbeddedError> {
    match is_empty(connection)? {
        true => Ok(None),
        false => recorded_version(connection)?.ok_or(EmbeddedError::ForeignDatabase).map(Some),
    }
}

/// Refuses a database of a newer format or of another program, and records the format in an empty one.
pub(crate) fn admit(connection: &mut Connection) -> Result<(), EmbeddedError> {
    match found(connection)? {
        None => Ok(record_first_version(connection)?),
        Some(found) => admit_version(found),
    }
}

/// Refuses a database file as [`admit`] does, without changing any file.
pub(crate) fn admit_untouched(database: &Path) -> Result<(), EmbeddedError> {
    if std::fs::metadata(database).map_or(0, |file| file.len()) == 0 {
        return Ok(());
    }
    found(&read_only::open(database)?)?.map_or(Ok(()), admit_version)
}

pub(crate) fn admit_version(found: u32) -> Result<(), EmbeddedError> {
    if found > SCHEMA_VERSION {
        return Err(EmbeddedError::NewerDataDirectory { found, supported: SCHEMA_VERSION });
    }
    Ok(())
}

/// Runs the missing migrations in order. After an interruption, the next open continues with the one that is missing.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), EmbeddedError> {
    let found = recorded_version(connection)?.ok_or(EmbeddedError::ForeignDatabase)?;
    for (to, step) in (2..).zip(migrations).skip_while(|(to, _)| *to <= found) {
        let transaction = connection.transaction()?;
        step(&transaction)?;
        record_version(&transaction, to)?;
        transaction.commit()?;
        tracing::info!(schema.version = to, "data directory migrated");
    }
    Ok(())
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))
}

fn record_first_version(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch("CREATE TABLE _orderflow (key TEXT PRIMARY KEY, value TEXT NOT NULL)")?;
    record_version(&transaction, SCHEMA_VERSION)?;
    transaction.commit()
}

fn record_version(transaction: &Transaction<'_>, version: u32) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT OR REPLACE INTO _orderflow (key, value) VALUES ('schema_version', ?1)",
            [version.to_string()],
        )
        .map(drop)
}

fn recorded_version(connection: &Connection) -> Result<Option<u32>, EmbeddedError> {
    if !connection.table_exists(None, "_orderflow")? {
        return Ok(None);
    }
    let value: Option<String> = connection
        .query_row("SELECT value FROM _orderflow WHERE key = 'schema_version'", [], |row| row.get(0))
        .optional()?;
    value.map(|text| text.parse().map_err(|_| EmbeddedError::InvalidSchemaVersion(text))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_at(version: &str) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        record_first_version(&mut connection).unwrap();
        connection.execute("UPDATE _orderflow SET value = ?1", [version]).unwrap();
        connection
    }

    #[test]
    fn an_empty_database_gets_the_current_format() {
        let mut connection = Connection::open_in_memory().unwrap();
        admit(&mut connection).unwrap();
        assert_eq!(recorded_version(&connection).unwrap(), Some(SCHEMA_VERSION));
        admit(&mut connection).unwrap();
    }

    #[test]
    fn a_newer_format_is_refused_with_both_numbers() {
        let error = admit(&mut database_at("7")).unwrap_err();
        assert!(matches!(error, EmbeddedError::NewerDataDirectory { found: 7, supported: SCHEMA_VERSION }));
        assert!(error.to_string().contains("upgrade the program"), "{error}");
    }

    #[test]
    fn a_foreign_database_and_a_damaged_format_are_refused() {
        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
        assert!(matches!(admit(&mut foreign), Err(EmbeddedError::ForeignDatabase)));
        assert!(matches!(admit(&mut database_at("one")), Err(EmbeddedError::InvalidSchemaVersion(_))));
    }

    #[test]
    fn only_the_missing_migrations_run_in_order_and_once() {
        const STEPS: &[Migration] = &[
            |t| t.execute_batch("CREATE TABLE not_created_from_version_2 (id)"),
            |t| t.execute_batch("CREATE TABLE steps (name)"),
            |t| t.execute_batch("INSERT INTO steps VALUES ('third')"),
        ];
        let mut connection = database_at("2");
        migrate(&mut connection, STEPS).unwrap();
        migrate(&mut connection, STEPS).unwrap();
        assert_eq!(recorded_version(&connection).unwrap(), Some(4));
        assert!(!connection.table_exists(None, "not_created_from_version_2").unwrap());
        let steps: u32 = connection.query_row("SELECT count(*) FROM steps", [], |row| row.get(0)).unwrap();
        assert_eq!(steps, 1);
    }

    #[test]
    fn a_failing_migration_changes_neither_format_nor_data() {
        const STEPS: &[Migration] = &[
            |t| t.execute_batch("CREATE TABLE first (id)"),
            |t| t.execute_batch("CREATE TABLE second (id); INSERT INTO missing VALUES (1)"),
        ];
        let mut connection = database_at("1");
        migrate(&mut connection, STEPS).unwrap_err();
        assert_eq!(recorded_version(&connection).unwrap(), Some(2));
        assert!(!connection.table_exists(None, "second").unwrap());
    }
}
