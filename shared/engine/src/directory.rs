//! The files of a data directory: their permissions, and the lock.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::EngineError;

/// The file of the database. SQLite gives the files that it creates beside it the same permissions.
pub(crate) const DATABASE_FILE: &str = "orderflow.db";
/// Records that the database was opened once. Versions before the lock of the directory itself lock only this file.
const LOCK_FILE: &str = "orderflow.lock";
const FILES: [&str; 4] = [DATABASE_FILE, "orderflow.db-wal", "orderflow.db-shm", LOCK_FILE];

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// The lock of a data directory. The operating system releases it however the process ends.
///
/// The directory itself is locked, so that deleting a file in it does not release the lock. A lock of the database file would need a
/// file descriptor of it, and closing one drops the locks that SQLite has on that file in this process.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    directory: File,
}

/// The locked files of a data directory.
#[derive(Debug)]
pub(crate) struct ClaimedFiles {
    lock: DirectoryLock,
    file: File,
}

impl DirectoryLock {
    /// Creates the directory if it is missing, and locks it. Changes no file in it.
    pub(crate) fn take(directory: &Path) -> Result<Self, EngineError> {
        let unusable = |source| EngineError::unusable(directory, source);
        let existed = directory.exists();
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(unusable)?;
        let itself = File::open(directory).map_err(unusable)?;
        lock(&itself, directory, directory)?;
        if let (false, Some(parent)) = (existed, directory.parent()) {
            // Otherwise a power cut could take the entry of the new directory away.
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(unusable)?;
        }
        Ok(Self { directory: itself })
    }

    /// Locks the lock file, and makes the directory and its files accessible to their owner only.
    pub(crate) fn claim_files(self, directory: &Path) -> Result<ClaimedFiles, EngineError> {
        let path = directory.join(LOCK_FILE);
        let file = private().open(&path).map_err(|source| EngineError::unusable(&path, source))?;
        lock(&file, &path, directory)?;
        restrict(directory)?;
        Ok(ClaimedFiles { lock: self, file })
    }
}

/// Returns whether [`ClaimedFiles::record_data`] was called in an earlier process.
pub(crate) fn has_held_data(directory: &Path) -> bool {
    std::fs::metadata(directory.join(LOCK_FILE)).is_ok_and(|file| file.len() > 0)
}

impl ClaimedFiles {
    /// Records, in the lock file, that the database was opened to the end. A database file that is empty later has lost its data.
    pub(crate) fn record_data(&self) -> io::Result<()> {
        if self.file.metadata()?.len() > 0 {
            Ok(())
        } else {
            (&self.file).write_all(b"orderflow.db holds data\n")
        }
    }

    /// Creates the file of the database if it is missing, for its owner only, so that its entry survives a power cut.
    pub(crate) fn create_database(&self, directory: &Path) -> Result<(), EngineError> {
        let path = directory.join(DATABASE_FILE);
        match private().create_new(true).open(&path) {
            Ok(_) => self.lock.directory.sync_all(),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|source| EngineError::unusable(&path, source))
    }
}

fn private() -> OpenOptions {
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(FILE_MODE);
    options
}

fn lock(file: &File, path: &Path, directory: &Path) -> Result<(), EngineError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(EngineError::InUse(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(EngineError::unusable(path, source)),
    }
}

/// Takes the permissions of other users away. A directory that also contains other files keeps its permissions, because it may be a
/// shared one such as `/tmp`; files of other owners keep theirs, because only the owner can change them.
fn restrict(directory: &Path) -> Result<(), EngineError> {
    for file in FILES.map(|name| directory.join(name)) {
        restrict_to(&file, FILE_MODE)?;
    }
    match only_own_files(directory).map_err(|source| EngineError::unusable(directory, source))? {
        true => restrict_to(directory, DIRECTORY_MODE),
        false => Ok(()),
    }
}

fn restrict_to(path: &Path, mode: u32) -> Result<(), EngineError> {
    let changed = match std::fs::metadata(path) {
        Ok(found) if found.mode() & OTHERS != 0 => {
            std::fs::set_permissions(path, Permissions::from_mode(mode))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    match changed {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), "other users can access the data, and this user may not change that");
            Ok(())
        }
        changed => changed.map_err(|source| EngineError::unusable(path, source)),
    }
}

fn only_own_files(directory: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(directory)? {
        if !FILES.iter().any(|name| entry.as_ref().is_ok_and(|entry| entry.file_name() == *name)) {
            return Ok(false);
        }
    }
    Ok(true)
}
