//! Commands that only read a data directory, and starts that are refused: no file changes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use orderflow_testing::program::{Launch, Run};
use tempfile::TempDir;

use crate::server::{Server, up};

/// What can change in a directory: the content, the mode and the times of its files, and its own.
#[derive(Debug, PartialEq, Eq)]
struct State(BTreeMap<String, (Vec<u8>, u32, i64, i64)>);

fn state(directory: &Path) -> State {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.chain([directory.to_owned()]).map(|path| {
        let metadata = std::fs::metadata(&path).unwrap();
        let content = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let changed = (metadata.mode(), metadata.mtime(), metadata.mtime_nsec());
        (path.display().to_string(), (content, changed.0, changed.1, changed.2))
    });
    State(files.collect())
}

/// The parts of the log after its header: one page with its own header, which begins with page number and size, and the salts of the log.
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

/// Returns how many frames of the log are in use: the others are of an earlier use of the file, and are in the database.
fn frames_in_use(log: &[u8]) -> usize {
    let Some(salts) = log.get(16..24) else { return 0 };
    log[HEADER..].chunks_exact(FRAME).take_while(|frame| frame[8..16] == *salts).count()
}

/// Returns a data directory with orders, whose log a killed process left, and the number of orders.
async fn killed() -> (TempDir, usize) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path());
    let mut orders = 0;
    while orders < 20 || frames_in_use(&log_of(data.path())) < 100 {
        server.place("PRODUCT-002", "C1").await.unwrap();
        orders += 1;
    }
    server.kill();
    (data, orders)
}

fn log_of(data: &Path) -> Vec<u8> {
    std::fs::read(data.join("orderflow.db-wal")).unwrap()
}

fn command(arguments: &str, data: &Path) -> Launch {
    let arguments: Vec<&str> = arguments.split(' ').chain(["--data-dir", data.to_str().unwrap()]).collect();
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments)
}

/// Runs a command that must change nothing.
fn untouched(launch: Launch, data: &Path) -> Run {
    let before = state(data);
    let run = launch.run();
    assert!(state(data) == before, "the data directory has changed: {run:?}");
    run
}

#[tokio::test]
async fn migrate_status_only_reads() {
    let (data, _) = killed().await;
    let shows_tables = |run: Run| {
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.out.contains("orderflow-orders") && !run.out.contains("missing"), "{run:?}");
    };
    shows_tables(untouched(command("migrate status", data.path()), data.path()));
    // A copy without the index of the log.
    std::fs::remove_file(data.path().join("orderflow.db-shm")).unwrap();
    shows_tables(untouched(command("migrate status", data.path()), data.path()));
    // While a process has it open, and after that has ended. Opening takes the log in.
    let server = Server::on(data.path());
    shows_tables(command("migrate status", data.path()).run());
    assert!(server.stop().success());
    shows_tables(untouched(command("migrate status", data.path()), data.path()));
}

#[tokio::test]
async fn a_refused_start_changes_nothing() {
    let (data, orders) = killed().await;
    let refused = |launch: Launch, says: &str| {
        let run = untouched(launch.env("ORDERFLOW_PORT", "0"), data.path());
        assert!(run.code != 0 && run.err.contains(says), "{run:?}");
    };
    let start = || command("up", data.path());
    refused(start().env("ORDERFLOW_PREFIX", "other"), "prefix orderflow");
    refused(start().env("ORDERFLOW_CURRENCY", "JPY"), "sells in USD");
    let log = data.path().join("orderflow.db-wal");
    let whole = std::fs::read(&log).unwrap();
    let mut damaged = whole.clone();
    let middle = HEADER + frames_in_use(&whole) / 2 * FRAME + 1_000;
    damaged[middle..middle + 3].iter_mut().for_each(|byte| *byte ^= 0xFF);
    std::fs::write(&log, damaged).unwrap();
    refused(start(), "writes after it would be lost");
    std::fs::write(&log, whole).unwrap();
    let server = Server::start(up(&["--port", "0", "--data-dir", data.path().to_str().unwrap()]));
    assert_eq!(server.orders("").await.len(), orders, "the restored log has every order");
    assert!(server.stop().success());
}
