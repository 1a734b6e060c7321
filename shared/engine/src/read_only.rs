//! Opens the database of a data directory without changing any file, also where this process may not write.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// The size of the header of a write-ahead log, which is followed by frames (<https://www.sqlite.org/fileformat2.html#walformat>).
const LOG_HEADER_BYTES: u64 = 32;

/// Opens a database that only reads: it creates no file, does not fold the write-ahead log into the database, and takes no lock that keeps another
/// process from opening the database.
///
/// SQLite needs an index of the log. While a process has the database open, or after it was killed, the index is in the file `-shm`, which is only
/// read. Without that file, no process has the database open, and the index is built in memory, with a file system layer that takes no locks. Without
/// a log, or with one that has no frame, there is only the database file.
pub(crate) fn open(database: &Path) -> rusqlite::Result<Connection> {
    let log = beside(database, "-wal");
    let log_bytes = std::fs::metadata(&log).ok().map(|file| file.len());
    let (mode, builds_index) = match log_bytes {
        // SQLite refuses, as a violation of its locking protocol, a log that ends with its header. A process that is killed in its first write leaves one.
        Some(1..=LOG_HEADER_BYTES) => ("mode=ro&immutable=1", false),
        Some(_) if beside(database, "-shm").exists() => ("mode=ro&readonly_shm=1", false),
        Some(1..) => ("mode=ro&vfs=unix-none", true),
        Some(0) | None => ("mode=ro&immutable=1", false),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(database, mode), flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if builds_index {
        connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// Returns whether a process was killed in its first transaction, before the database had a write-ahead log. The file holds no data then: SQLite
/// rolls the transaction back when it next opens the database for writing.
pub(crate) fn is_unfinished(database: &Path) -> bool {
    let journal = std::fs::metadata(beside(database, "-journal"));
    journal.is_ok_and(|journal| journal.len() > 0) && !beside(database, "-wal").exists()
}

/// Returns the path of a file that SQLite keeps beside the database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn uri(database: &Path, query: &str) -> String {
    let mut uri = "file:".to_owned();
    for byte in database.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push((*byte).into()),
            // Writing to a text does not fail.
            other => write!(uri, "%{other:02X}").unwrap_or_default(),
        }
    }
    uri.push('?');
    uri + query
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }

    /// Copies the files of a database with a log, as they are while a process writes to it.
    fn killed(from: &Path, to: &Path) {
        for (path, content) in files(from) {
            std::fs::write(to.join(path.file_name().unwrap()), content).unwrap();
        }
    }

    #[test]
    fn reading_changes_no_file_whatever_the_process_that_wrote_left() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("a b?#%.db");
        let writer = Connection::open(&database).unwrap();
        writer.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        writer.execute_batch("CREATE TABLE things (id); INSERT INTO things VALUES (1), (2)").unwrap();
        let copy = tempfile::tempdir().unwrap();
        killed(directory.path(), copy.path());
        let copied = copy.path().join("a b?#%.db");
        let count = |database: &Path| {
            let connection = open(database).unwrap();
            connection.query_row("SELECT count(*) FROM things", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let reads_only = |database: &Path| {
            let before = files(database.parent().unwrap());
            assert_eq!(count(database), 2);
            assert!(files(database.parent().unwrap()) == before, "{database:?}");
        };
        // A live process, a killed one, a copy without the index, and one that has ended. In this process the index is shared with the writer.
        assert_eq!(count(&database), 2);
        reads_only(&copied);
        std::fs::remove_file(beside(&copied, "-shm")).unwrap();
        reads_only(&copied);
        drop(writer);
        assert!(!beside(&database, "-wal").exists());
        reads_only(&database);
    }

    #[test]
    fn a_log_that_ends_with_its_header_holds_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("data.db");
        let writer = Connection::open(&database).unwrap();
        writer.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        writer.execute_batch("CREATE TABLE things (id)").unwrap();
        let copy = tempfile::tempdir().unwrap();
        killed(directory.path(), copy.path());
        let copied = copy.path().join("data.db");
        let log = std::fs::OpenOptions::new().write(true).open(beside(&copied, "-wal")).unwrap();
        log.set_len(LOG_HEADER_BYTES).unwrap();
        let started = std::time::Instant::now();
        assert!(!open(&copied).unwrap().table_exists(None, "things").unwrap());
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
        assert!(!Connection::open(&copied).unwrap().table_exists(None, "things").unwrap());
    }
}
