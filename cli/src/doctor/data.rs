//! The data directory of the embedded store, and the space on its disk.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use orderflow_engine::{FORMAT, Location, OLDEST_FORMAT};
use orderflow_system::{EmbeddedStore, StoreLocation};

use super::check::Check;

const DATA: &str = "data";
const DISK: &str = "disk";

/// Below this, the store has no room for a day of orders. One order takes about 5 KB.
const FREE_MIB_MIN: u64 = 512;

const MIB: u64 = 1024 * 1024;

/// Checks the directory, if the settings keep the data in one.
pub(super) fn checks(store: &StoreLocation) -> Vec<Check> {
    match store {
        StoreLocation::Embedded(EmbeddedStore { location: Location::Directory(directory), .. }) => {
            vec![directory_check(directory), disk(directory)]
        }
        StoreLocation::Embedded(_) => vec![Check::ok(DATA, "in memory: it is lost when the program ends")],
        StoreLocation::Given(_) | StoreLocation::Endpoint(_) => Vec::new(),
    }
}

fn directory_check(directory: &Path) -> Check {
    let shown = directory.display();
    if !directory.exists() {
        let parent = existing(directory);
        return match tempfile::tempfile_in(&parent) {
            Ok(_) => Check::ok(DATA, format!("{shown} does not exist yet; the start creates it")),
            Err(error) => not_writable(&parent, &error),
        };
    }
    if let Err(error) = tempfile::tempfile_in(directory) {
        return not_writable(directory, &error);
    }
    if is_in_use(directory) {
        let advice = "stop the other process, or use another --data-dir: one process at a time can open it";
        return Check::failed(DATA, format!("{shown} is in use by another process"), advice);
    }
    match Location::Directory(directory.to_owned()).format() {
        Ok(None) => Check::ok(DATA, format!("{shown} has no data yet")),
        Ok(Some(found)) if (OLDEST_FORMAT..=FORMAT).contains(&found) => {
            Check::ok(DATA, format!("{shown} has data of format {found}"))
        }
        Ok(Some(found)) => Check::failed(
            DATA,
            format!("{shown} has data of format {found}; this version reads {OLDEST_FORMAT} to {FORMAT}"),
            "start it with the version that wrote it, or use another --data-dir; `orderflow migrate status` says more",
        ),
        Err(error) => {
            let found = format!("{shown}: {:#}", anyhow::Error::from(error));
            let advice = "give this user the permission to read its files, use another --data-dir, or restore a backup";
            Check::failed(DATA, found, advice)
        }
    }
}

fn not_writable(directory: &Path, error: &std::io::Error) -> Check {
    if error.kind() == ErrorKind::NotADirectory {
        let found = format!("{} is a file, not a folder", directory.display());
        return Check::failed(DATA, found, "use another --data-dir");
    }
    let found = format!("{} cannot be written: {error}", directory.display());
    Check::failed(DATA, found, "give this user the permission to write there, or use another --data-dir")
}

/// Returns whether another process has locked the directory, as every process does that has its data open.
fn is_in_use(directory: &Path) -> bool {
    let locked = File::open(directory).map(|itself| itself.try_lock_shared());
    matches!(locked, Ok(Err(TryLockError::WouldBlock)))
}

fn disk(directory: &Path) -> Check {
    let existing = existing(directory);
    let shown = existing.display();
    let found = match rustix::fs::statvfs(&existing) {
        Ok(found) => found,
        Err(error) => {
            return Check::failed(DISK, format!("{shown}: {error}"), "use a --data-dir on another disk");
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize) / MIB;
    let text = format!("{}.{} GiB free for {shown}", free / 1024, free % 1024 * 10 / 1024);
    if free < FREE_MIB_MIN {
        let advice =
            format!("free some space, or use a --data-dir on another disk: at least {FREE_MIB_MIN} MiB");
        return Check::failed(DISK, text, advice);
    }
    Check::ok(DISK, text)
}

/// Returns the directory, or the nearest one above it that exists.
fn existing(directory: &Path) -> PathBuf {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let found = absolute.ancestors().find(|ancestor| ancestor.exists());
    found.unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn a_directory_that_cannot_be_used_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("a/b");
        assert_eq!(directory_check(&missing).state, State::Ok);
        assert!(!missing.exists(), "nothing is created");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(directory_check(&file).state, State::Failed);
        let held = File::open(folder.path()).unwrap();
        held.lock().unwrap();
        let check = directory_check(folder.path());
        assert!(check.state == State::Failed && check.found.contains("in use"), "{check:?}");
        drop(held);
        assert_eq!(directory_check(folder.path()).state, State::Ok);
        assert_eq!(disk(&missing).name, "disk");
    }
}
