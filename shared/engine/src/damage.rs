//! Looks for damage of the database file and its log before they are opened for writing.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::directory::DATABASE_FILE;
use crate::log::{self, Lost};
use crate::{EngineError, read_only};

/// The longest time that the check takes. It reads the whole file, so that it ends early in a large one and finds no damage after that point.
const LONGEST_CHECK: Duration = Duration::from_secs(5);

/// Refuses a damaged database. `held_data` says whether an earlier process has opened it to the end. Changes nothing, except that the
/// unfinished first transaction of a process that was killed is rolled back. The caller holds the lock of the directory.
pub(crate) fn check(directory: &Path, held_data: bool) -> Result<(), EngineError> {
    let path = directory.join(DATABASE_FILE);
    let damaged = |finding: String| EngineError::Damaged { path: path.clone(), finding };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(EngineError::unusable(&path, source)),
        Ok(file) if file.len() > 0 => {}
        Ok(_) if held_data => return Err(damaged("it is empty, and it held data before".to_owned())),
        Ok(_) => return Ok(()),
    }
    if read_only::is_unfinished(&path) {
        roll_back(&path)?;
    }
    check_log(&read_only::beside(&path, "-wal"))?;
    let connection = read_only::open(&path)?;
    match quick_check(&connection) {
        Ok(finding) if finding == "ok" => Ok(()),
        Ok(finding) => Err(damaged(finding)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(()),
            Some(ErrorCode::DatabaseCorrupt) => Err(damaged(error.to_string())),
            _ => Err(error.into()),
        },
    }
}

/// Has SQLite roll back what a transaction left unfinished, which it does before it first reads.
fn roll_back(database: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Refuses a log with a wrong part before commits that were complete once: SQLite would drop them without an error.
fn check_log(log: &Path) -> Result<(), EngineError> {
    match log::lost(log).map_err(|source| EngineError::unusable(log, source))? {
        None => Ok(()),
        Some(Lost { commits: 1, .. }) => {
            tracing::warn!(
                log = %log.display(),
                "the last write of the log is not complete and is dropped: it was interrupted, or the log is damaged"
            );
            Ok(())
        }
        Some(Lost { frame, commits }) => {
            Err(EngineError::DamagedLog { path: log.to_owned(), frame, commits })
        }
    }
}

/// Returns `ok`, or the first finding.
fn quick_check(connection: &Connection) -> rusqlite::Result<String> {
    let interrupt = connection.get_interrupt_handle();
    let (checked, wait) = mpsc::channel::<()>();
    let timer = std::thread::spawn(move || {
        if wait.recv_timeout(LONGEST_CHECK) == Err(RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let result = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    drop(checked);
    let _ended = timer.join();
    result
}
