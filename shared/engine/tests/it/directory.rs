use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orderflow_engine::{Engine, EngineError, FORMAT, Location, Options};
use orderflow_store_port::Backend;
use rusqlite::Connection;

use crate::support::{create, get, open, put_new};

fn format_of(directory: &Path) -> Option<u32> {
    Location::Directory(directory.to_owned()).format().unwrap()
}

/// Returns every file of a directory.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let named =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
    named.collect()
}

#[tokio::test]
async fn writes_persist_when_the_directory_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("made/on demand?/50%#1");
    let first = open(&data).unwrap();
    create(&first).await;
    first.write(&put_new("a")).await.unwrap();
    drop(first);
    let second = open(&data).unwrap();
    assert_eq!(format_of(&data), Some(FORMAT));
    assert!(get(&second, "a").await.is_some());
    second.write(&put_new("b")).await.unwrap();
}

#[tokio::test]
async fn a_directory_can_be_open_only_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    create(&first).await;
    let reader = first.open_stream("test-things", Vec::new()).await.unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, EngineError::InUse(_)), "{error:?}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    std::fs::remove_file(directory.path().join("orderflow.lock")).unwrap();
    assert!(
        matches!(open(directory.path()), Err(EngineError::InUse(_))),
        "deleting the lock file unlocks nothing"
    );
    drop(first);
    assert!(matches!(open(directory.path()), Err(EngineError::InUse(_))), "a reader still has it open");
    drop(reader);
    open(directory.path()).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Asserts the permissions of the directory and of its files, and returns the names of the files.
fn assert_private(directory: &Path) -> Vec<String> {
    assert_eq!(mode(directory), 0o700);
    let names: Vec<String> = files(directory).into_keys().collect();
    for name in &names {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    names
}

#[tokio::test]
async fn only_the_owner_can_access_the_directory_and_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let first = open(&data).unwrap();
    create(&first).await;
    let expected = ["orderflow.db", "orderflow.db-shm", "orderflow.db-wal", "orderflow.lock"];
    assert_eq!(assert_private(&data), expected);
    drop(first);
    std::fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    for file in ["orderflow.db", "orderflow.lock"] {
        std::fs::set_permissions(data.join(file), Permissions::from_mode(0o644)).unwrap();
    }
    let second = open(&data).unwrap();
    create(&second).await;
    second.write(&put_new("a")).await.unwrap();
    assert_eq!(assert_private(&data), expected);
}

#[test]
fn a_directory_with_files_of_others_keeps_its_permissions() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("theirs"), "").unwrap();
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let _open = open(directory.path()).unwrap();
    assert_eq!(mode(directory.path()), 0o755);
    assert_eq!(mode(&directory.path().join("orderflow.db")), 0o600);
}

#[tokio::test]
async fn the_format_of_an_open_and_of_a_missing_directory_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    assert_eq!(format_of(&data), None);
    assert!(!data.exists());
    let _open = open(&data).unwrap();
    assert_eq!(format_of(&data), Some(FORMAT));
    assert_eq!(Location::Memory.format().unwrap(), None);
}

fn with_format(directory: &Path, format: u32) {
    let database = Connection::open(directory.join("orderflow.db")).unwrap();
    database.execute("UPDATE _orderflow SET value = ?1", [format.to_string()]).unwrap();
}

#[test]
fn a_newer_directory_is_refused_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    with_format(directory.path(), FORMAT + 1);
    let before = files(directory.path());
    assert_eq!(format_of(directory.path()), Some(FORMAT + 1));
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, EngineError::NewerFormat { found, .. } if found == FORMAT + 1), "{error:?}");
    assert!(error.to_string().contains("upgrade the program"), "{error}");
    assert_eq!(files(directory.path()), before);
}

/// The directory of the earlier engine: also while its log has the last writes, because the program was killed.
#[test]
fn a_directory_of_the_earlier_engine_is_named_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orderflow.db");
    let database = Connection::open(&file).unwrap();
    database.execute_batch("CREATE TABLE _orderflow (key TEXT PRIMARY KEY, value TEXT NOT NULL)").unwrap();
    database.execute_batch("INSERT INTO _orderflow VALUES ('schema_version', '1')").unwrap();
    database.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE _tables (table_name TEXT)").unwrap();
    let killed = tempfile::tempdir().unwrap();
    for name in ["orderflow.db", "orderflow.db-wal"] {
        std::fs::copy(directory.path().join(name), killed.path().join(name)).unwrap();
    }
    drop(database);
    for directory in [directory.path(), killed.path()] {
        let before = files(directory);
        assert_eq!(format_of(directory), Some(1));
        let error = open(directory).unwrap_err();
        assert!(matches!(error, EngineError::OlderFormat { found: 1, .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains(directory.to_str().unwrap()) && message.contains("another directory"),
            "{message}"
        );
        assert_eq!(files(directory), before);
    }
}

#[test]
fn a_foreign_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orderflow.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    assert!(matches!(open(directory.path()), Err(EngineError::ForeignDatabase)));
    let long = "not a database, but long enough for SQLite to look at its first bytes".repeat(20);
    std::fs::write(&file, long).unwrap();
    assert!(matches!(open(directory.path()), Err(EngineError::Sqlite(_))));
}

#[test]
fn the_error_names_a_directory_that_cannot_be_created() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&file.join("data")).unwrap_err();
    assert!(matches!(&error, EngineError::Directory { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_damaged_database_is_named_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    create(&engine).await;
    let puts: Vec<_> = (0..2_000).map(|id| put_new(&id.to_string())).collect();
    assert!(engine.write_each(&puts).await.iter().all(Result::is_ok));
    drop(engine);
    let file = directory.path().join("orderflow.db");
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let from = flipped.len() / 2 / 4096 * 4096;
    flipped[from..from + 4096].fill(0xA5);
    for damaged in [whole[..whole.len() - 3 * 4096].to_vec(), flipped, Vec::new()] {
        std::fs::write(&file, &damaged).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, EngineError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("restore it from a backup"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), damaged);
    }
    std::fs::write(&file, &whole).unwrap();
    assert!(get(&open(directory.path()).unwrap(), "7").await.is_some());
}

#[tokio::test]
async fn the_files_do_not_grow_with_what_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path()).unwrap();
    create(&engine).await;
    let mut sizes = Vec::new();
    for round in 0..12 {
        let ids: Vec<String> = (0..500).map(|n| format!("{round}-{n}")).collect();
        let puts: Vec<_> = ids.iter().map(|id| put_new(id)).collect();
        let deletes: Vec<_> = ids.iter().map(|id| crate::support::delete(id)).collect();
        assert!(engine.write_each(&puts).await.iter().all(Result::is_ok));
        assert!(engine.write_each(&deletes).await.iter().all(Result::is_ok));
        let mut reader = engine.open_stream("test-things", Vec::new()).await.unwrap();
        while let [batch] = &reader.read().await.unwrap()[..] {
            engine.trim_stream("test-things", &batch.last).await.unwrap();
        }
        engine.erase_remnants().await.unwrap();
        sizes.push(files(directory.path())["orderflow.db"].len());
    }
    assert!(sizes[11] <= sizes[1], "{sizes:?}");
}

#[tokio::test]
async fn databases_in_memory_are_independent() {
    let open = || Engine::open(Options::new(Location::Memory)).unwrap();
    let databases: Vec<Engine> = (0..20).map(|_| open()).collect();
    create(&databases[7]).await;
    for (index, database) in databases.iter().enumerate() {
        let tables = database.list_tables().await.unwrap();
        assert_eq!(tables.len(), if index == 7 { 2 } else { 0 });
    }
}

#[tokio::test]
async fn a_probe_writes_and_changes_no_table() {
    for (engine, _directory) in crate::support::both().await {
        engine.probe().await.unwrap();
        engine.probe().await.unwrap();
        assert!(crate::support::records(&engine).await.is_empty());
    }
}
