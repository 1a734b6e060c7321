//! Runs the shell blocks of the documents as a reader types them.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use orderflow_testing::program::{Launch, path_with};

use crate::page::{Page, pages};

/// The address of the system on the pages.
const PAGES_URL: &str = "http://127.0.0.1:8080";

/// The port of a second system on the pages.
const SECOND_PORT: &str = "8090";

/// A failing command ends the script, and curl fails if the response is an error.
const PRELUDE: &str = "set -eu\ncurl() { command curl --fail-with-body --max-time 30 \"$@\"; }\n";

/// The time limit for all blocks of a page, in seconds.
const LIMIT_SECONDS: &str = "180";

/// A process with its children; killed when dropped.
struct Group(Child);

impl Group {
    fn spawn(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().unwrap())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The group may have ended already.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Runs a script in a folder of its own with `orderflow` in the `PATH`, and panics with its output if it fails.
fn run(page: &Page, script: &str, url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script_file = folder.path().join("script.sh");
    std::fs::write(&script_file, format!("{PRELUDE}{script}")).unwrap();
    let path = path_with(env!("CARGO_BIN_EXE_orderflow").as_ref());
    let log_path = folder.path().join("output");
    let log = std::fs::File::create(&log_path).unwrap();
    let mut command = Command::new("timeout");
    command.args([LIMIT_SECONDS, "sh", "-x"]).arg(&script_file).current_dir(folder.path());
    command.env_clear().env("PATH", path).env("HOME", folder.path()).env("ORDERFLOW_URL", url);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut shell = Group::spawn(&mut command);
    let status = shell.0.wait().unwrap();
    let output = std::fs::read_to_string(&log_path).unwrap();
    assert!(status.success(), "{}: {status}\n{output}", page.path);
}

#[test]
fn every_block_marked_as_runnable_runs() {
    let pages = pages();
    let run_pages = std::thread::scope(|scope| {
        let runs = pages.iter().filter_map(|page| {
            let script = page.script("run")?;
            Some(scope.spawn(move || {
                let arguments = ["up", "--port", "0", "--ephemeral"];
                let system = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).start();
                let script = script.replace(PAGES_URL, system.url()).replace(SECOND_PORT, &free_port());
                run(page, &script, system.url());
            }))
        });
        let runs: Vec<_> = runs.collect();
        let results: Vec<_> = runs.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        assert!(results.iter().all(Result::is_ok), "see the output of the page above");
        results.len()
    });
    assert!(run_pages > 3, "{run_pages} pages have runnable blocks");
}

/// Runs the blocks that need a RabbitMQ on its default port.
#[cfg(feature = "rabbitmq")]
#[tokio::test]
async fn every_block_that_needs_a_broker_runs() {
    let broker = orderflow_testing::rabbitmq::RabbitMq::start().await.unwrap();
    let uri = broker.uri();
    let run_all = move || {
        for page in pages() {
            let Some(script) = page.script("run=broker") else { continue };
            let url = format!("http://127.0.0.1:{}", free_port());
            let script = script.replace("amqp://guest:guest@127.0.0.1", &uri);
            let script = script.replace(PAGES_URL, &url).replace("8000", &free_port());
            run(&page, &script.replace("8080", url.rsplit(':').next().unwrap_or_default()), &url);
        }
    };
    tokio::task::spawn_blocking(run_all).await.unwrap();
    drop(broker);
}
