//! The format of a data directory: a number in a table of our own, and the steps that lead from an older to the current
//! one.

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::EmbeddedError;

/// The format of the data directories that this version writes. It rises by one with each migration.
pub const SCHEMA_VERSION: u32 = 1;

/// A step from one format to the next. It runs in a transaction together with the record that it ran.
pub(crate) type Migration = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// The step at index n leads from format n + 1 to format n + 2.
pub(crate) const MIGRATIONS: &[Migration] = &[];

const _: () = assert!(MIGRATIONS.len() + 1 == SCHEMA_VERSION as usize);

/// The format that a database records, read without changing anything. None where it is empty.
pub(crate) fn found(connection: &Connection) -> Result<Option<u32>, EmbeddedError> {
    match is_empty(connection)? {
        true => Ok(None),
        false => recorded_version(connection)?.ok_or(EmbeddedError::ForeignDatabase).map(Some),
    }
}

/// Refuses a database that this version must not touch, and marks an empty one as its own. Writes nothing else, so it
/// runs before the engine opens the file.
pub(crate) fn admit(connection: &mut Connection) -> Result<(), EmbeddedError> {
    if is_empty(connection)? {
        return Ok(mark_as_ours(connection)?);
    }
    match recorded_version(connection)? {
        None => Err(EmbeddedError::ForeignDatabase),
        Some(found) if found > SCHEMA_VERSION => {
            Err(EmbeddedError::NewerDataDirectory { found, supported: SCHEMA_VERSION })
        }
        Some(_) => Ok(()),
    }
}

/// Runs, in order, the steps that the database has not seen yet. Interrupted between two, the next open goes on.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), EmbeddedError> {
    let found = recorded_version(connection)?.ok_or(EmbeddedError::ForeignDatabase)?;
    for (to, step) in (2..).zip(migrations).skip_while(|(to, _)| *to <= found) {
        let transaction = connection.transaction()?;
        step(&transaction)?;
        record_version(&transaction, to)?;
        transaction.commit()?;
        tracing::info!(schema.version = to, "migrated the data directory to format {to}");
    }
    Ok(())
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))
}

fn mark_as_ours(connection: &mut Connection) -> rusqlite::Result<()> {
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
        mark_as_ours(&mut connection).unwrap();
        connection.execute("UPDATE _orderflow SET value = ?1", [version]).unwrap();
        connection
    }

    #[test]
    fn an_empty_database_becomes_ours_at_the_current_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        admit(&mut connection).unwrap();
        assert_eq!(recorded_version(&connection).unwrap(), Some(SCHEMA_VERSION));
        admit(&mut connection).unwrap();
    }

    #[test]
    fn a_newer_version_is_refused_with_both_numbers() {
        let error = admit(&mut database_at("7")).unwrap_err();
        assert!(matches!(error, EmbeddedError::NewerDataDirectory { found: 7, supported: SCHEMA_VERSION }));
        assert!(error.to_string().contains("upgrade the program"), "{error}");
    }

    #[test]
    fn somebody_elses_database_and_a_damaged_version_are_refused() {
        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
        assert!(matches!(admit(&mut foreign), Err(EmbeddedError::ForeignDatabase)));
        assert!(matches!(admit(&mut database_at("one")), Err(EmbeddedError::InvalidSchemaVersion(_))));
    }

    #[test]
    fn only_the_missing_steps_run_in_order_and_once() {
        const STEPS: &[Migration] = &[
            |t| t.execute_batch("CREATE TABLE never_made_from_version_2 (id)"),
            |t| t.execute_batch("CREATE TABLE steps (name)"),
            |t| t.execute_batch("INSERT INTO steps VALUES ('third')"),
        ];
        let mut connection = database_at("2");
        migrate(&mut connection, STEPS).unwrap();
        migrate(&mut connection, STEPS).unwrap();
        assert_eq!(recorded_version(&connection).unwrap(), Some(4));
        assert!(!connection.table_exists(None, "never_made_from_version_2").unwrap());
        let steps: u32 = connection.query_row("SELECT count(*) FROM steps", [], |row| row.get(0)).unwrap();
        assert_eq!(steps, 1);
    }

    #[test]
    fn a_failing_step_leaves_the_version_and_the_data_as_they_were() {
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
