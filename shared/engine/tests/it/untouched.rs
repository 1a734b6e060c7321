//! What only reads a directory, and what refuses one, changes no file.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use orderflow_engine::{Engine, EngineError, FORMAT, Location};
use orderflow_store_port::{Backend, TableState};
use rusqlite::Connection;

use crate::support::{create, get, key, open, put, put_new, shelves, things};

/// The parts of the log after its header: a page with a header of 24 bytes, whose bytes 8 to 16 are the salts of the log.
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

/// Returns the content, mode and time of each file, and those of the directory.
fn state(directory: &Path) -> BTreeMap<String, (Vec<u8>, u32, i64, i64)> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let state = |path: std::path::PathBuf| {
        let metadata = std::fs::metadata(&path).unwrap();
        let content = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let state = (content, metadata.mode(), metadata.mtime(), metadata.mtime_nsec());
        (path.display().to_string(), state)
    };
    entries.chain([directory.to_owned()]).map(state).collect()
}

/// Does what must change nothing.
fn untouched<T>(directory: &Path, work: impl FnOnce() -> T) -> T {
    let before = state(directory);
    let result = work();
    assert!(state(directory) == before, "{} has changed", directory.display());
    result
}

/// Returns a directory as a killed process left it, with 20 things and a log.
async fn killed() -> tempfile::TempDir {
    let (written, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = open(written.path()).unwrap();
    create(&engine).await;
    for id in 0..20 {
        engine.write(&put_new(&id.to_string())).await.unwrap();
    }
    for entry in std::fs::read_dir(written.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, killed.path().join(path.file_name().unwrap())).unwrap();
    }
    killed
}

#[tokio::test]
async fn an_outline_has_the_tables_and_the_items_that_were_asked_for() {
    let directory = killed().await;
    let outline = |items: &[(&str, &str)]| {
        untouched(directory.path(), || Engine::outline(directory.path(), items).unwrap().unwrap())
    };
    for has_index in [true, false] {
        if !has_index {
            std::fs::remove_file(directory.path().join("orderflow.db-shm")).unwrap();
        }
        let outline = outline(&[("test-things", "7"), ("test-things", "none"), ("nowhere", "7")]);
        let complete = TableState {
            name: "test-things".to_owned(),
            exists: true,
            missing_indexes: vec![],
            missing_stream: false,
        };
        assert_eq!(outline.table_state(&things()).await.unwrap(), complete);
        assert_eq!(outline.list_tables().await.unwrap(), ["test-shelves", "test-things"]);
        assert_eq!(get(&outline, "7").await, Some(key("7")));
        assert_eq!(get(&outline, "8").await, None);
        outline.write(&put(&things(), key("new"))).await.unwrap();
    }
    let engine = open(directory.path()).unwrap();
    assert!(get(&engine, "8").await.is_some() && get(&engine, "new").await.is_none());
    let live = Engine::outline(directory.path(), &[("test-things", "8")]).unwrap().unwrap();
    assert!(get(&live, "8").await.is_some(), "a directory that is open can be read");
    assert!(live.table_state(&shelves()).await.unwrap().exists);
}

#[test]
fn there_is_no_outline_without_data_that_this_version_reads() {
    let directory = tempfile::tempdir().unwrap();
    let none = |path: &Path| Engine::outline(path, &[]).unwrap().is_none();
    assert!(none(directory.path()) && none(&directory.path().join("missing")));
    drop(open(directory.path()).unwrap());
    for (format, is_newer) in [(FORMAT + 1, true), (1, false)] {
        let database = Connection::open(directory.path().join("orderflow.db")).unwrap();
        database.execute("UPDATE _orderflow SET value = ?1", [format.to_string()]).unwrap();
        drop(database);
        match Engine::outline(directory.path(), &[]) {
            Err(EngineError::NewerFormat { .. }) => assert!(is_newer),
            outline => assert!(!is_newer && outline.unwrap().is_none()),
        }
    }
}

#[tokio::test]
async fn a_damaged_log_is_named_and_not_changed() {
    let directory = killed().await;
    let file = directory.path().join("orderflow.db-wal");
    let whole = std::fs::read(&file).unwrap();
    let used = whole[HEADER..].chunks_exact(FRAME).take_while(|frame| frame[8..16] == whole[16..24]).count();
    for offset in [0, 9, 1_000] {
        let mut damaged = whole.clone();
        let from = HEADER + used / 2 * FRAME + offset;
        damaged[from..from + 3].iter_mut().for_each(|byte| *byte ^= 0x5A);
        std::fs::write(&file, &damaged).unwrap();
        let error = untouched(directory.path(), || open(directory.path()).unwrap_err());
        assert!(matches!(error, EngineError::DamagedLog { commits: 2.., .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("orderflow.db-wal") && message.contains("would be lost"), "{message}");
    }
    // The end of the log alone cannot be told from a write that was cut off.
    let mut torn = whole.clone();
    let end = HEADER + used * FRAME;
    torn[end - 200..end].fill(0);
    std::fs::write(&file, &torn).unwrap();
    let engine = open(directory.path()).unwrap();
    assert!(get(&engine, "18").await.is_some() && get(&engine, "19").await.is_none());
}

#[tokio::test]
async fn a_start_that_is_refused_changes_no_file() {
    let directory = killed().await;
    // Takes the log in.
    drop(open(directory.path()).unwrap());
    let database = directory.path().join("orderflow.db");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, &whole[..whole.len() / 2]).unwrap();
    untouched(directory.path(), || open(directory.path()).unwrap_err());
    std::fs::write(&database, &whole).unwrap();
    let engine = open(directory.path()).unwrap();
    assert!(get(&engine, "19").await.is_some());
}

#[tokio::test]
async fn the_first_transaction_of_a_killed_process_is_rolled_back() {
    let (killed, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writing = Connection::open(killed.path().join("orderflow.db")).unwrap();
    // Pages are written before the commit.
    writing.execute_batch("PRAGMA cache_size = 1; BEGIN; CREATE TABLE half (made BLOB)").unwrap();
    for _ in 0..200 {
        writing.execute("INSERT INTO half VALUES (zeroblob(4000))", []).unwrap();
    }
    // What a kill leaves behind.
    for file in ["orderflow.db", "orderflow.db-journal"] {
        assert!(std::fs::copy(killed.path().join(file), directory.path().join(file)).unwrap() > 0, "{file}");
    }
    let location = Location::Directory(directory.path().to_owned());
    assert_eq!(untouched(directory.path(), || location.format().unwrap()), None);
    let engine = open(directory.path()).unwrap();
    create(&engine).await;
    engine.write(&put_new("a")).await.unwrap();
    assert!(get(&engine, "a").await.is_some());
}
