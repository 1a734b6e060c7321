//! Starting, stopping, and refusing to start.

use std::process::Stdio;

use crate::server::{Server, up};

fn refused(arguments: &[&str]) -> String {
    let output = up(arguments).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn it_stops_in_order_and_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let server = Server::on(data.path());
        let id = server.place("PRODUCT-001", "C1").await.unwrap();
        assert!(server.signal(signal).success());
        let server = Server::on(data.path());
        server
            .wait_until("the order is confirmed", async |server| {
                server.get(&format!("/api/v1/orders/{id}")).await["status"] == "confirmed"
            })
            .await;
        assert!(server.signal(signal).success());
    }
}

#[test]
fn another_address_than_loopback_needs_insecure() {
    let said = refused(&["--host", "0.0.0.0", "--port", "0", "--ephemeral"]);
    assert!(said.contains("--insecure"), "{said}");
    Server::start(up(&["--host", "0.0.0.0", "--port", "0", "--ephemeral", "--insecure"])).kill();
}

#[tokio::test]
async fn faults_are_for_loopback_only() {
    let open = Server::start(up(&["--host", "0.0.0.0", "--port", "0", "--ephemeral", "--insecure"]));
    assert!(open.try_get("/api/v1/admin/faults").await.is_none());
    assert!(Server::ephemeral().try_get("/api/v1/admin/faults").await.is_some());
}

#[test]
fn data_that_is_in_use_or_newer_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let server = Server::on(data.path());
    let said = refused(&["--port", "0", "--data-dir", path]);
    assert!(said.contains(path), "{said}");
    server.kill();
    let database = rusqlite::Connection::open(data.path().join("orderflow.db")).unwrap();
    database.execute("UPDATE _orderflow SET value = '999' WHERE key = 'schema_version'", []).unwrap();
    drop(database);
    let said = refused(&["--port", "0", "--data-dir", path]);
    assert!(said.contains("999"), "{said}");
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    for (name, value) in [
        ("PAYMENT_SUCCESS_RATE", "2"),
        ("PAYMENT_PROVIDER", "paypal"),
        ("ORDERFLOW_MAX_ATTEMPTS", "0"),
        ("ORDERFLOW_RETRY_BASE_MS", "soon"),
        ("ORDER_UNKNOWN_SKU_WAIT", "soon"),
        ("LOG_FORMAT", "xml"),
    ] {
        let mut command = up(&["--port", "0", "--ephemeral"]);
        let output = command.env(name, value).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(name), "{name}: {said}");
    }
}
