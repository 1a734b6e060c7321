//! Starting, stopping, and refusing to start.

use orderflow_testing::program::Signal;

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
    let error = refused(&["--host", "0.0.0.0", "--port", "0", "--ephemeral"]);
    assert!(error.contains("--insecure"), "{error}");
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

#[test]
fn the_error_names_a_bad_setting() {
    for (name, value) in [
        ("PAYMENT_SUCCESS_RATE", "2"),
        ("PAYMENT_PROVIDER", "paypal"),
        ("ORDERFLOW_MAX_ATTEMPTS", "0"),
        ("ORDERFLOW_RETRY_BASE_MS", "soon"),
        ("ORDER_UNKNOWN_SKU_WAIT", "soon"),
        ("LOG_FORMAT", "xml"),
    ] {
        let run = up(&["--port", "0", "--ephemeral"]).env(name, value).run();
        assert!(run.code != 0 && run.err.contains(name), "{name}: {run:?}");
    }
}
