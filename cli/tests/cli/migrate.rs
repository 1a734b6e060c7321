//! `orderflow migrate`.

use orderflow_testing::program::Run;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{finish, program};

fn migrate(folder: &TempDir, arguments: &str) -> Run {
    finish(program(&format!("migrate {arguments}")).current_dir(folder.path()).env("RUST_LOG", "warn"))
}

fn status(folder: &TempDir) -> Value {
    let run = migrate(folder, "status --json");
    assert_eq!(run.code, 0, "{run:?}");
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn status_changes_nothing_and_up_creates_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(migrate(&folder, "status").out, "no data yet\n");
    assert!(!folder.path().join("data").exists());
    for _ in 0..2 {
        let run = migrate(&folder, "up");
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
        assert_eq!(
            run.err.matches(r#""operation":"migrate up","on":"prefix=orderflow","outcome":"done""#).count(),
            1
        );
    }
    let status = status(&folder);
    assert_eq!(status["format"], json!({"found": 2, "supported": 2}));
    let tables = status["tables"].as_array().unwrap();
    let orders = json!({
        "name": "orderflow-orders", "exists": true, "missing_indexes": [], "missing_stream": false,
    });
    assert!(tables.contains(&orders), "{status}");
    assert!(tables.len() > 5 && tables.iter().all(|table| table["exists"] == true), "{status}");
    let shown = migrate(&folder, "status").out;
    assert!(shown.starts_with("format 2 of 2\nTABLE ") && shown.contains("complete"), "{shown}");
}

#[test]
fn tables_are_found_by_their_prefix() {
    let folder = tempfile::tempdir().unwrap();
    migrate(&folder, "up");
    let run = finish(program("migrate status").current_dir(folder.path()).env("ORDERFLOW_PREFIX", "other"));
    assert!(run.out.contains("other-orders") && run.out.contains("missing"), "{run:?}");
}

#[test]
fn a_data_directory_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    migrate(&folder, "up");
    let database = rusqlite::Connection::open(folder.path().join("data/orderflow.db")).unwrap();
    database.execute("UPDATE _orderflow SET value = '999' WHERE key = 'schema_version'", []).unwrap();
    drop(database);
    for command in ["status", "up"] {
        let run = migrate(&folder, command);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains("format 999") && run.err.contains("upgrade the program"), "{run:?}");
    }
}
