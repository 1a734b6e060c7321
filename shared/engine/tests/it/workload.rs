//! Writes of several callers, in a process of its own that can be killed, and the check that none of the answered ones is lost.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use orderflow_engine::{Engine, Location, Options, SyncMode};
use orderflow_store_port::{Assignment, Backend, Item};

use crate::support::{create, get, item, key, n, open, put, put_new, records, shelves, text, update};

pub(crate) const CALLERS: usize = 8;

/// The bytes of text in each transaction: some pages, so that the log is copied into the database several times in a run.
const TEXT_BYTES: usize = 24 << 10;

/// Returns the command that runs [`run_if_asked`] in a process of its own.
pub(crate) fn command(data: &Path, answers: &Path, sync: &str, transactions: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "workload::run_if_asked", "--quiet"]);
    command.env("WORKLOAD_DATA", data).env("WORKLOAD_ANSWERS", answers);
    command.env("WORKLOAD_SYNC", sync).env("WORKLOAD_TRANSACTIONS", transactions.to_string());
    command.stdout(std::process::Stdio::null());
    command
}

/// Each caller writes its next three items in one transaction, and then notes the answer: `caller round`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_if_asked() {
    let Some(data) = std::env::var_os("WORKLOAD_DATA") else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    let sync = if variable("WORKLOAD_SYNC") == "full" { SyncMode::Full } else { SyncMode::Normal };
    let options = Options { sync, ..Options::new(Location::Directory(data.into())) };
    let engine = Engine::open(options).unwrap();
    create(&engine).await;
    let answers = File::options().append(true).create(true).open(variable("WORKLOAD_ANSWERS")).unwrap();
    let answers = Arc::new(answers);
    let transactions: usize = variable("WORKLOAD_TRANSACTIONS").parse().unwrap();
    let callers = (0..CALLERS).map(|caller| {
        let (engine, answers) = (engine.clone(), Arc::clone(&answers));
        tokio::spawn(async move {
            let first = committed(&engine, caller).await;
            for round in first..first + transactions / CALLERS {
                transact(&engine, caller, round).await;
                // One system call, so that lines of several callers do not mix.
                (&*answers).write_all(format!("{caller} {round}\n").as_bytes()).unwrap();
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

async fn transact(engine: &Engine, caller: usize, round: usize) {
    let noise: String = (0..TEXT_BYTES).map(|_| fastrand::alphanumeric()).collect();
    let place =
        [("shelf", text(caller.to_string())), ("place", text(format!("{round:06}"))), ("x", text(noise))];
    let latest = vec![Assignment::Set("rounds".to_owned(), n(round + 1))];
    let writes = [
        put_new(&format!("{caller}-{round}")),
        put(&shelves(), item(&place)),
        update(&format!("latest-{caller}"), latest),
    ];
    engine.transact(&writes).await.unwrap();
}

/// Returns the number of transactions of a caller that are stored.
async fn committed(engine: &Engine, caller: usize) -> usize {
    let latest: Option<Item> = get(engine, &format!("latest-{caller}")).await;
    match latest.as_ref().map(|item| &item["rounds"]) {
        Some(orderflow_store_port::Value::N(rounds)) => rounds.parse().unwrap(),
        _ => 0,
    }
}

/// Asserts that the data has each answered transaction, and every transaction wholly or not at all.
pub(crate) async fn check(data: &Path, answers: &str) {
    let engine = open(data).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    create(&engine).await;
    let mut total = 0;
    for caller in 0..CALLERS {
        let rounds = committed(&engine, caller).await;
        let answered = answers.lines().filter(|line| line.starts_with(&format!("{caller} "))).count();
        assert!(rounds >= answered, "caller {caller}: {answered} answered, {rounds} stored");
        for round in 0..=rounds {
            let exists = round < rounds;
            if !exists || round + 10 > rounds {
                assert_eq!(get(&engine, &format!("{caller}-{round}")).await.is_some(), exists);
                let place =
                    item(&[("shelf", text(caller.to_string())), ("place", text(format!("{round:06}")))]);
                assert_eq!(engine.get(&shelves(), place).await.unwrap().is_some(), exists);
            }
        }
        total += rounds;
    }
    assert_eq!(records(&engine).await.len(), 2 * total, "records are stored with their items");
    engine.write(&put(&crate::support::things(), key("after"))).await.unwrap();
}
