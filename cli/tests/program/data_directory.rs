//! Data directories that earlier versions of the program wrote, and copies of them.

use serde_json::{Value, json};

use crate::server::{Server, up};

/// The database of a data directory in format 2, as `.dump` of SQLite prints it. The version of November 2026 wrote it and was killed
/// with these orders, whose customers tell them apart:
///
/// | customer | state |
/// |---|---|
/// | C1 | confirmed |
/// | C2 | rejected, because the payment was declined |
/// | C3 | confirmed; the notification is a dead letter, because the mail server refused the address |
/// | C4 | reserved; the payment provider is down, so the message to `payment` is delayed |
/// | C5 | cancelled by the customer |
/// | C6 | pending; the messages to `order-tracker` and `payment` are ready, because both consumers are stopped |
const FORMAT_2: &str = include_str!("fixtures/data-directory-2.sql");

const DEAD_LETTERS: &str = "/api/v1/admin/dead-letters/notification";

async fn status_of(server: &Server, customer: &str) -> Value {
    let orders = server.orders(&format!("&customer_id={customer}")).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    orders[0]["status"].clone()
}

#[tokio::test]
async fn the_work_in_a_data_directory_of_format_2_is_continued() {
    let data = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(data.path().join("orderflow.db")).unwrap();
    database.execute_batch(FORMAT_2).unwrap();
    drop(database);
    // The orders are as old as the fixture. Without these settings they would expire, or their events would be sent again, before the
    // stored messages are delivered.
    let launch = up(&["--port", "0", "--data-dir", data.path().to_str().unwrap()]);
    let launch = launch.env("ORDER_EXPIRES_AFTER", "100000h").env("ORDER_RESEND_AFTER", "100000h");
    let server = Server::start(launch);

    assert_eq!(server.orders("").await.len(), 6);
    for (customer, status) in
        [("C1", "confirmed"), ("C2", "rejected"), ("C3", "confirmed"), ("C5", "cancelled")]
    {
        assert_eq!(status_of(&server, customer).await, status, "{customer}");
    }
    for customer in ["C4", "C6"] {
        let confirmed = async |server: &Server| status_of(server, customer).await == "confirmed";
        server.wait_until("the waiting messages are delivered", confirmed).await;
    }

    let letters = server.get(DEAD_LETTERS).await["dead_letters"].clone();
    assert_eq!(letters.as_array().map(Vec::len), Some(1), "{letters}");
    assert_eq!(letters[0]["code"], "message-refused");
    assert_eq!(letters[0]["attempts"], 1);
    assert_eq!(letters[0]["event"]["data"]["customer_id"], "C3");
    assert_eq!(server.post(&format!("{DEAD_LETTERS}/replay"), &json!({})).await, 200);
    let none_left = async |server: &Server| server.get(DEAD_LETTERS).await["dead_letters"] == json!([]);
    server.wait_until("the dead letter is replayed", none_left).await;
    assert!(server.stop().success());
}

/// The database of a data directory in format 1. A version of November 2026 wrote it, with another engine.
const FORMAT_1: &str = include_str!("fixtures/data-directory-1.sql");

#[test]
fn a_data_directory_of_format_1_is_named_with_what_to_do_and_not_changed() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("orderflow.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch(FORMAT_1).unwrap();
    drop(database);
    let before = std::fs::read(&file).unwrap();
    let path = data.path().to_str().unwrap();
    for _ in 0..2 {
        let run = up(&["--port", "0", "--data-dir", path]).run();
        assert_eq!(run.code, 1, "{run:?}");
        for part in
            [path, "format 1", "export what you need with the version that wrote it", "another directory"]
        {
            assert!(run.err.contains(part), "{part}: {}", run.err);
        }
    }
    assert!(std::fs::read(&file).unwrap() == before);
}

#[tokio::test]
async fn a_copy_that_is_made_while_the_program_runs_is_a_backup() {
    let (data, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::on(data.path());
    for _ in 0..5 {
        server.place("PRODUCT-002", "C1").await.unwrap();
    }
    let database = rusqlite::Connection::open(data.path().join("orderflow.db")).unwrap();
    let copy = backup.path().join("orderflow.db");
    database.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    drop(database);
    server.place("PRODUCT-002", "C1").await.unwrap();
    assert!(server.stop().success());
    let restored = Server::on(backup.path());
    let confirmed = async |server: &Server| server.orders("&status=confirmed").await.len() == 5;
    restored.wait_until("the orders of that moment are confirmed", confirmed).await;
    assert_eq!(restored.orders("").await.len(), 5);
    assert!(restored.stop().success());
}
