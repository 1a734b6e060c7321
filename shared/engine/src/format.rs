//! The format of a data directory: its version, which the table `_orderflow` records, and the SQL tables.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::directory::DATABASE_FILE;
use crate::{EngineError, read_only};

/// The format that this version writes. Format 1 is that of an earlier engine, which this version does not read.
pub const FORMAT: u32 = 2;

/// The oldest format that this version reads, and migrates to its own.
pub const OLDEST_FORMAT: u32 = 2;

/// Converts the data from one format to the next. It runs in the transaction that records the new format.
type Migration = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// All migrations. The one at index n converts format n + 2 to format n + 3.
const MIGRATIONS: &[Migration] = &[];

const _: () = assert!(MIGRATIONS.len() + OLDEST_FORMAT as usize == FORMAT as usize);

/// The bits below the table in the number of an item and in the position of a stream record.
pub(crate) const TABLE_SHIFT: u32 = 40;

/// The SQL tables. An item's number is `(table << TABLE_SHIFT) + counter`, as is the position of a stream record, so that those of a table are neighbours
/// and new ones are appended.
const TABLES: &str = "
    CREATE TABLE _orderflow (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE tables (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, range TEXT, streams INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    );
    CREATE TABLE indexes (
        id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, range TEXT NOT NULL,
        UNIQUE (table_id, name)
    );
    CREATE TABLE keys (
        table_id INTEGER NOT NULL, hash TEXT NOT NULL, range TEXT NOT NULL, item INTEGER NOT NULL,
        PRIMARY KEY (table_id, hash, range)
    ) WITHOUT ROWID;
    CREATE TABLE items (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE entries (
        index_id INTEGER NOT NULL, hash TEXT NOT NULL, range TEXT NOT NULL,
        item_hash TEXT NOT NULL, item_range TEXT NOT NULL,
        PRIMARY KEY (index_id, hash, range, item_hash, item_range)
    ) WITHOUT ROWID;
    CREATE TABLE records (
        position INTEGER PRIMARY KEY, written_at INTEGER NOT NULL, change INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE TABLE probe (id INTEGER PRIMARY KEY, padding BLOB NOT NULL);";

/// Returns the format of the database in a directory, or `None` if there is none, or no data in it. Changes nothing, and works while another
/// process has the database open.
pub(crate) fn found_in(directory: &Path) -> Result<Option<u32>, EngineError> {
    let file = directory.join(DATABASE_FILE);
    if !file.try_exists().map_err(|source| EngineError::unusable(&file, source))? {
        return Ok(None);
    }
    if read_only::is_unfinished(&file) {
        return Ok(None);
    }
    found(&read_only::open(&file)?)
}

fn found(connection: &Connection) -> Result<Option<u32>, EngineError> {
    match is_empty(connection)? {
        true => Ok(None),
        false => recorded(connection)?.ok_or(EngineError::ForeignDatabase).map(Some),
    }
}

/// Refuses the database file of another program, or of a format that cannot be migrated. Changes nothing.
pub(crate) fn admit(database: &Path) -> Result<(), EngineError> {
    if std::fs::metadata(database).map_or(0, |file| file.len()) == 0 {
        return Ok(());
    }
    found(&read_only::open(database)?)?.map_or(Ok(()), |found| check(database, found))
}

/// Refuses a format that this version cannot read.
pub(crate) fn check(database: &Path, found: u32) -> Result<(), EngineError> {
    match found {
        FORMAT => Ok(()),
        ..OLDEST_FORMAT => {
            let path = database.parent().unwrap_or(database).to_owned();
            Err(EngineError::OlderFormat { path, found, supported: FORMAT })
        }
        _ if found > FORMAT => Err(EngineError::NewerFormat { found, supported: FORMAT }),
        _ => Ok(()),
    }
}

/// Creates the tables in an empty database, in one transaction, and migrates another one to the present format.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), EngineError> {
    if is_empty(connection)? {
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        record(&transaction, FORMAT)?;
        return Ok(transaction.commit()?);
    }
    migrate(connection, OLDEST_FORMAT, MIGRATIONS)
}

/// Runs the missing migrations in order. After an interruption, the next open continues with the one that is missing.
fn migrate(connection: &mut Connection, oldest: u32, migrations: &[Migration]) -> Result<(), EngineError> {
    let found = recorded(connection)?.ok_or(EngineError::ForeignDatabase)?;
    for (to, step) in (oldest + 1..).zip(migrations).skip_while(|(to, _)| *to <= found) {
        let transaction = connection.transaction()?;
        step(&transaction)?;
        record(&transaction, to)?;
        transaction.commit()?;
        tracing::info!(format = to, "data directory migrated");
    }
    Ok(())
}

/// Replaces the one row of a table that nothing else uses. It is larger than what the write of an order adds to the file.
pub(crate) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("REPLACE INTO probe VALUES (1, zeroblob(32768))", []).map(drop)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))
}

fn record(transaction: &Transaction<'_>, version: u32) -> rusqlite::Result<()> {
    let statement = "INSERT OR REPLACE INTO _orderflow (key, value) VALUES ('schema_version', ?1)";
    transaction.execute(statement, [version.to_string()]).map(drop)
}

fn recorded(connection: &Connection) -> Result<Option<u32>, EngineError> {
    if !connection.table_exists(None, "_orderflow")? {
        return Ok(None);
    }
    let statement = "SELECT value FROM _orderflow WHERE key = 'schema_version'";
    let value: Option<String> = connection.query_row(statement, [], |row| row.get(0)).optional()?;
    value.map(|text| text.parse().map_err(|_| EngineError::InvalidFormat(text))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_at(version: &str) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        prepare(&mut connection).unwrap();
        connection.execute("UPDATE _orderflow SET value = ?1", [version]).unwrap();
        connection
    }

    #[test]
    fn an_empty_database_gets_the_present_format_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        prepare(&mut connection).unwrap();
        assert_eq!(recorded(&connection).unwrap(), Some(FORMAT));
        prepare(&mut connection).unwrap();
    }

    #[test]
    fn a_recorded_format_that_is_no_number_is_refused() {
        assert!(matches!(prepare(&mut database_at("one")), Err(EngineError::InvalidFormat(_))));
    }

    #[test]
    fn only_the_missing_migrations_run_in_order_and_once() {
        const STEPS: &[Migration] = &[
            |t| t.execute_batch("CREATE TABLE not_created_from_format_3 (id)"),
            |t| t.execute_batch("CREATE TABLE steps (name)"),
            |t| t.execute_batch("INSERT INTO steps VALUES ('third')"),
        ];
        let mut connection = database_at("3");
        migrate(&mut connection, 2, STEPS).unwrap();
        migrate(&mut connection, 2, STEPS).unwrap();
        assert_eq!(recorded(&connection).unwrap(), Some(5));
        assert!(!connection.table_exists(None, "not_created_from_format_3").unwrap());
        let steps: u32 = connection.query_row("SELECT count(*) FROM steps", [], |row| row.get(0)).unwrap();
        assert_eq!(steps, 1);
    }

    #[test]
    fn a_failing_migration_changes_neither_format_nor_data() {
        const STEPS: &[Migration] = &[
            |t| t.execute_batch("CREATE TABLE first (id)"),
            |t| t.execute_batch("CREATE TABLE second (id); INSERT INTO missing VALUES (1)"),
        ];
        let mut connection = database_at("2");
        migrate(&mut connection, 2, STEPS).unwrap_err();
        assert_eq!(recorded(&connection).unwrap(), Some(3));
        assert!(!connection.table_exists(None, "second").unwrap());
    }
}
