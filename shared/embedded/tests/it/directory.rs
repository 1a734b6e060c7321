use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orderflow_embedded::{Embedded, EmbeddedError, Location, SCHEMA_VERSION};

use crate::support::{TABLE, create_table, exists, put};

fn open(directory: &Path) -> Result<Embedded, EmbeddedError> {
    Embedded::open(Location::Directory(directory.to_owned()))
}

#[tokio::test]
async fn writes_persist_when_the_directory_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("made/on/demand");
    let first = open(&data).unwrap();
    create_table(&first.dynamodb(), TABLE).await;
    put(&first.dynamodb(), "a").await;
    drop(first);
    let second = open(&data).unwrap();
    assert!(exists(&second.dynamodb(), "a").await);
    put(&second.dynamodb(), "b").await;
    assert_eq!(second.trim_stream(TABLE, "109000000000000000000").unwrap(), 1);
}

#[tokio::test]
async fn a_directory_can_be_open_only_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let client = first.dynamodb();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, EmbeddedError::InUse(_)), "{error:?}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first);
    assert!(matches!(open(directory.path()), Err(EmbeddedError::InUse(_))), "a client still has it open");
    drop(client);
    open(directory.path()).unwrap();
}

#[test]
fn the_directory_stays_locked_when_its_lock_file_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let _open = open(directory.path()).unwrap();
    std::fs::remove_file(directory.path().join("orderflow.lock")).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(error, EmbeddedError::InUse(_)), "{error:?}");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Asserts the permissions of the directory and of its files, and returns the names of the files.
fn assert_private(directory: &Path) -> Vec<String> {
    assert_eq!(mode(directory), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    names
}

#[tokio::test]
async fn only_the_owner_can_access_the_directory_and_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let first = open(&data).unwrap();
    create_table(&first.dynamodb(), TABLE).await;
    let files = ["orderflow.db", "orderflow.db-shm", "orderflow.db-wal", "orderflow.lock"];
    assert_eq!(assert_private(&data), files);
    drop(first);
    std::fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    for file in ["orderflow.db", "orderflow.lock"] {
        std::fs::set_permissions(data.join(file), Permissions::from_mode(0o644)).unwrap();
    }
    let _second = open(&data).unwrap();
    assert_eq!(assert_private(&data), files);
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

#[test]
fn the_format_of_an_open_and_of_a_missing_directory_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::Directory(directory.path().join("data"));
    assert_eq!(location.schema_version().unwrap(), None);
    assert!(!directory.path().join("data").exists());
    let _open = Embedded::open(location.clone()).unwrap();
    assert_eq!(location.schema_version().unwrap(), Some(SCHEMA_VERSION));
}

#[tokio::test]
async fn the_first_transaction_of_a_killed_process_is_rolled_back() {
    let (killed, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writing = rusqlite::Connection::open(killed.path().join("orderflow.db")).unwrap();
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
    assert_eq!(location.schema_version().unwrap(), None);
    let opened = open(directory.path()).unwrap();
    create_table(&opened.dynamodb(), TABLE).await;
    put(&opened.dynamodb(), "a").await;
    assert!(exists(&opened.dynamodb(), "a").await);
}

#[test]
fn a_newer_directory_is_refused_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    let file = directory.path().join("orderflow.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let newer = SCHEMA_VERSION + 1;
    database.execute("UPDATE _orderflow SET value = ?1", [newer.to_string()]).unwrap();
    database.close().unwrap();
    let before = std::fs::read(&file).unwrap();
    let found = Location::Directory(directory.path().to_owned()).schema_version();
    assert_eq!(found.unwrap(), Some(newer));
    let error = open(directory.path()).unwrap_err();
    assert!(
        matches!(error, EmbeddedError::NewerDataDirectory { found, supported: SCHEMA_VERSION } if found == newer),
        "{error:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_foreign_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orderflow.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    database.close().unwrap();
    assert!(matches!(open(directory.path()), Err(EmbeddedError::ForeignDatabase)));
    std::fs::write(&file, "not a database, but long enough for SQLite to look at its first bytes".repeat(20))
        .unwrap();
    assert!(matches!(open(directory.path()), Err(EmbeddedError::Sqlite(_))));
}

#[test]
fn the_error_names_a_directory_that_cannot_be_created() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&file.join("data")).unwrap_err();
    assert!(matches!(&error, EmbeddedError::Directory { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_damaged_database_is_named_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = open(directory.path()).unwrap();
    create_table(&embedded.dynamodb(), TABLE).await;
    for id in 0..200 {
        put(&embedded.dynamodb(), &id.to_string()).await;
    }
    drop(embedded);
    let file = directory.path().join("orderflow.db");
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let from = flipped.len() / 2;
    flipped[from..from + 4096].fill(0xA5);
    for damaged in [whole[..whole.len() - 3 * 4096].to_vec(), flipped, Vec::new()] {
        std::fs::write(&file, &damaged).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, EmbeddedError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("restore it from a backup"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), damaged);
    }
    std::fs::write(&file, &whole).unwrap();
    assert!(exists(&open(directory.path()).unwrap().dynamodb(), "7").await);
}
