//! Locations of databases.

use std::path::{Path, PathBuf};

use crate::directory::{self, ClaimedFiles, DATABASE_FILE, DirectoryLock};
use crate::{EngineError, damage, format};

/// The location of an [`Engine`](crate::Engine)'s data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In memory: private to the handle that opens it and its clones, and freed when the last of them is dropped. The engine starts no thread
    /// for it: a request is finished when its future is polled once.
    Memory,
    /// In the file `orderflow.db` of this directory, which is created if it is missing. Only one process can open it at a time: it locks the
    /// directory. The operating system releases the lock however the process ends. Only the owner can read the directory and its files.
    Directory(PathBuf),
}

impl Location {
    /// Returns the format of the data, or `None` if there is no data. This version writes format [`FORMAT`](crate::FORMAT). Changes nothing, and
    /// works while another process has the data open.
    ///
    /// # Errors
    /// [`EngineError::ForeignDatabase`] if another program wrote the data, and others if the data cannot be read.
    pub fn format(&self) -> Result<Option<u32>, EngineError> {
        match self {
            Self::Memory => Ok(None),
            Self::Directory(directory) => format::found_in(directory),
        }
    }
}

/// A directory that no other handle can open while this value exists.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// The path of the database file.
    pub(crate) database: PathBuf,
    files: ClaimedFiles,
}

impl Claimed {
    /// Locks a directory, and refuses one that has damaged data or data of another format, which is then not changed.
    pub(crate) fn take(directory: &Path) -> Result<Self, EngineError> {
        // SQLite would take a path that starts with `file:` as a URI. An absolute path never does.
        let directory =
            std::path::absolute(directory).map_err(|source| EngineError::unusable(directory, source))?;
        let database = directory.join(DATABASE_FILE);
        if database.to_str().is_none() {
            return Err(EngineError::NotUtf8(directory));
        }
        // Data that is refused is not changed, so it is checked before any file is opened for writing.
        let lock = DirectoryLock::take(&directory)?;
        if let Ok(Some(found)) = format::found_in(&directory) {
            format::check(&database, found)?;
        }
        damage::check(&directory, directory::has_held_data(&directory))?;
        format::admit(&database)?;
        let files = lock.claim_files(&directory)?;
        files.create_database(&directory)?;
        Ok(Self { database, files })
    }

    /// Records that the database was opened to the end.
    pub(crate) fn record_data(&self) -> Result<(), EngineError> {
        self.files.record_data().map_err(|source| EngineError::unusable(&self.database, source))
    }
}
