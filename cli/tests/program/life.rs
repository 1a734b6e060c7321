//! Starting, stopping, and refusing to start.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use orderflow_settings::declared::ALL;
use orderflow_testing::program::{Launch, Signal, wait_until};

use crate::server::{Server, up};

/// Returns the error of a start that fails.
fn refused(arguments: &[&str]) -> String {
    let run = up(arguments).run();
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    run.err
}

#[tokio::test]
async fn a_stopped_program_continues_its_work_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::on(data.path());
        let id = server.place("PRODUCT-001", "C1").await.unwrap();
        assert!(server.end_with(signal).success());
        let server = Server::on(data.path());
        server
            .wait_until("the order is confirmed", async |server| {
                server.get(&format!("/api/v1/orders/{id}")).await["status"] == "confirmed"
            })
            .await;
        assert!(server.end_with(signal).success());
    }
}

#[test]
fn an_address_other_than_loopback_needs_insecure() {
    let run = up(&["--host", "0.0.0.0", "--port", "0", "--ephemeral"]).run();
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("--host: ") && run.err.contains("--insecure"), "{}", run.err);
    Server::start(up(&["--host", "0.0.0.0", "--port", "0", "--ephemeral", "--insecure"])).kill();
}

#[tokio::test]
async fn faults_can_be_injected_only_on_loopback() {
    let open = Server::start(up(&["--host", "0.0.0.0", "--port", "0", "--ephemeral", "--insecure"]));
    assert!(open.try_get("/api/v1/admin/faults").await.is_none());
    assert!(Server::ephemeral().try_get("/api/v1/admin/faults").await.is_some());
}

#[test]
fn data_that_is_in_use_or_newer_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let server = Server::on(data.path());
    let error = refused(&["--port", "0", "--data-dir", path]);
    assert!(error.contains(path), "{error}");
    server.kill();
    let database = rusqlite::Connection::open(data.path().join("orderflow.db")).unwrap();
    database.execute("UPDATE _orderflow SET value = '999' WHERE key = 'schema_version'", []).unwrap();
    drop(database);
    let error = refused(&["--port", "0", "--data-dir", path]);
    assert!(error.contains("999"), "{error}");
}

/// Each setting is given as the empty text, as Compose files and templates do with those that are not set.
#[tokio::test]
async fn empty_variables_are_the_same_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let launch = up(&["--port", "0"]);
    let launch = ALL.iter().fold(launch, |launch, setting| launch.env(setting.variable, ""));
    let data = folder.path().join("data");
    let server = Server::start(launch.env("ORDERFLOW_DATA_DIR", data.to_str().unwrap()));
    assert_eq!(server.get("/health").await["status"], "healthy");
    let products = server.get("/api/v1/products").await["products"].clone();
    assert!(products.as_array().is_some_and(|products| !products.is_empty()), "{products}");
}

#[test]
fn data_of_a_shop_with_another_currency_or_prefix_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    Server::on(data.path()).kill();
    let error = refused(&["--port", "0", "--data-dir", path, "--currency", "JPY"]);
    assert!(error.contains("sells in USD") && error.contains("ORDERFLOW_CURRENCY"), "{error}");
    let other_prefix = up(&["--port", "0", "--data-dir", path]).env("ORDERFLOW_PREFIX", "other").run();
    assert_eq!(other_prefix.code, 1);
    let named = ["the prefix orderflow", "ORDERFLOW_PREFIX"];
    assert!(named.iter().all(|name| other_prefix.err.contains(name)), "{}", other_prefix.err);
    assert!(Server::on(data.path()).stop().success());
}

#[test]
fn the_program_starts_while_stderr_is_full() {
    let mut command = up(&["--port", "0", "--ephemeral"]).command();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(full).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on http://"), "{line:?}");
    assert!(child.try_wait().unwrap().is_none(), "the program ended");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts a program with a file that is always full, or a pipe without a reader, as stdout and stderr.
fn with_outputs(arguments: &[&str], out: Stdio, err: Stdio) -> std::process::Child {
    let mut command =
        Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).env("RUST_LOG", "info").command();
    command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap()
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

fn full() -> Stdio {
    std::fs::File::options().write(true).open("/dev/full").unwrap().into()
}

/// Returns a full pipe, with its reader, which does not read.
fn unread() -> (std::io::PipeReader, Stdio) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The capacity of a pipe on Linux.
    writer.write_all(&[b' '; 65_536]).unwrap();
    (reader, writer.into())
}

fn without_reader() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[tokio::test]
async fn serving_survives_outputs_that_cannot_be_written() {
    let client = reqwest::Client::new();
    for kind in [full, without_reader] {
        for command in [&["up", "--ephemeral"][..], &["store", "--ephemeral"]] {
            let port = free_port();
            let arguments = [command, &["--port", &port]].concat();
            let mut child = with_outputs(&arguments, kind(), kind());
            let url = format!("http://127.0.0.1:{port}/health");
            wait_until("it serves", async || client.get(&url).send().await.is_ok()).await;
            assert_eq!(child.try_wait().unwrap(), None, "{command:?}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn serving_survives_a_log_that_is_not_read() {
    let client = reqwest::Client::new();
    for command in [&["up", "--ephemeral"][..], &["store", "--ephemeral"]] {
        let port = free_port();
        let arguments = [command, &["--port", &port]].concat();
        let ((_unread_out, out), (_unread_err, err)) = (unread(), unread());
        let mut child = with_outputs(&arguments, out, err);
        let url = format!("http://127.0.0.1:{port}");
        wait_until("it serves", async || client.get(format!("{url}/health")).send().await.is_ok()).await;
        for _ in 0..20 {
            // Each is logged.
            let refused = client.put(format!("{url}/api/v1/admin/faults")).body("{}").send().await;
            assert!(refused.is_ok(), "{command:?}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_command_whose_output_cannot_be_written_fails_and_a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["completions", "bash"],
        &["migrate", "status", "--data-dir", data],
    ] {
        let failed = with_outputs(arguments, full(), Stdio::piped()).wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&failed.stderr);
        assert_eq!(failed.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains("error: cannot write the output"), "{arguments:?}: {error}");
        let closed = with_outputs(arguments, without_reader(), Stdio::piped()).wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&closed.stderr);
        assert_eq!((closed.status.code(), error.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}
