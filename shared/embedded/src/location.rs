//! Locations of databases.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::directory::{self, DATABASE_FILE, DirectoryLock, unusable};
use crate::{EmbeddedError, damage, migrations, read_only};

/// The location of an [`crate::Embedded`]'s data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In memory: private to the handle that opens it and its clones, and freed when the last of them and their clients is dropped.
    Memory,
    /// In the file `orderflow.db` of this directory, which is created if it is missing. Only one process can open it at a time: it locks the
    /// directory. The operating system releases the lock however the process ends. Only the owner can read the directory and its files.
    Directory(PathBuf),
}

/// A location that no other handle can open while this value exists.
pub(crate) struct Claimed {
    /// The path or URI that SQLite opens.
    pub(crate) name: String,
    /// Holds the lock of a directory.
    pub(crate) lock: Option<DirectoryLock>,
}

impl Location {
    /// Returns the format of the data, or `None` if there is no data. This version writes format [`SCHEMA_VERSION`](crate::SCHEMA_VERSION).
    /// Changes nothing, and works while another process has the data open.
    ///
    /// # Errors
    /// [`EmbeddedError::ForeignDatabase`] if another program wrote the data, and others if the data cannot be read.
    pub fn schema_version(&self) -> Result<Option<u32>, EmbeddedError> {
        let Self::Directory(directory) = self else { return Ok(None) };
        let file = directory.join(DATABASE_FILE);
        if !file.try_exists().map_err(|source| unusable(&file, source))? {
            return Ok(None);
        }
        if read_only::is_unfinished(&file) {
            return Ok(None);
        }
        migrations::found(&read_only::open(&file)?)
    }

    pub(crate) fn claim(&self) -> Result<Claimed, EmbeddedError> {
        match self {
            Self::Memory => Ok(Claimed { name: unique_memory_name(), lock: None }),
            Self::Directory(directory) => claim_directory(directory),
        }
    }
}

/// Returns a new name for a database in memory. SQLite shares a `memdb` database whose name starts with a slash between the connections of a
/// process, and frees it when the last one closes.
fn unique_memory_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("file:/orderflow-{}?vfs=memdb", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn claim_directory(directory: &Path) -> Result<Claimed, EmbeddedError> {
    // SQLite would take a path that starts with `file:` as a URI. An absolute path never does.
    let directory = std::path::absolute(directory).map_err(|source| unusable(directory, source))?;
    let database = directory.join(DATABASE_FILE);
    let name = database.to_str().ok_or_else(|| EmbeddedError::NotUtf8(directory.clone()))?.to_owned();
    // Data that is refused is not changed, so it is checked before any file is opened for writing.
    let locked = directory::lock_directory(&directory)?;
    damage::check(&directory, directory::has_held_data(&directory))?;
    migrations::admit_untouched(&database)?;
    let lock = directory::claim(&directory, locked)?;
    directory::create_database(&directory)?;
    Ok(Claimed { name, lock: Some(lock) })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn connections_share_a_memory_database_until_the_last_one_closes() {
        let name = unique_memory_name();
        let first = Connection::open(&name).unwrap();
        first.execute_batch("CREATE TABLE shared (id INTEGER)").unwrap();
        let second = Connection::open(&name).unwrap();
        drop(first);
        assert!(second.table_exists(None, "shared").unwrap());
        drop(second);
        assert!(!Connection::open(&name).unwrap().table_exists(None, "shared").unwrap());
    }
}
