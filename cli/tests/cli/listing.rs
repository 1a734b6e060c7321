//! Listings: filters, pages, and closed pipes.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::program::{ID, finish, order, program, run};
use crate::stub::{Reply, Stub};

fn page(orders: usize, next: Option<&str>) -> Reply {
    Reply::json(200, &json!({"orders": vec![order("confirmed"); orders], "next_cursor": next}))
}

#[test]
fn a_page_is_a_table_with_a_note_about_further_pages() {
    let stub = Stub::start().on("GET /api/v1/orders", [page(1, Some("abc"))]);
    let run = run(&stub.url, "order list");
    assert_eq!(run.code, 0, "{run:?}");
    let expected = format!(
        "\
ORDER                                 STATUS     TOTAL      PLACED                    CUSTOMER
{ID}  confirmed  39.98 USD  2026-11-20T10:00:00.000Z  C100
"
    );
    assert_eq!(run.out, expected);
    assert!(run.err.contains("--cursor abc"), "{}", run.err);
}

#[test]
fn filters_are_sent() {
    let stub = Stub::start();
    let mut command = program("order list --status confirmed --sku A --limit 5 --cursor a+b");
    finish(command.args(["--customer", "C & D", "--url", &stub.url]));
    assert_eq!(
        stub.lines(),
        ["GET /api/v1/orders?customer_id=C+%26+D&status=confirmed&sku=A&limit=5&cursor=a%2Bb"]
    );
}

#[test]
fn stored_texts_that_would_change_the_terminal_are_shown_escaped() {
    let mut hostile = order("confirmed");
    hostile["customer_id"] = json!("\u{200b}\u{200d}");
    hostile["items"][0]["name"] = json!("Mug\u{9b}2J\u{202e}");
    let page = json!({"orders": [hostile], "next_cursor": null});
    let stub = Stub::start().on("GET /api/v1/orders", [Reply::json(200, &page)]);
    let table = run(&stub.url, "order list");
    assert!(table.code == 0 && table.out.contains(r"\u{200b}\u{200d}"), "{table:?}");
    let json = run(&stub.url, "order list --json");
    assert!(json.out.contains(r"\u200b\u200d") && json.out.contains(r"Mug\u009b2J\u202e"), "{}", json.out);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap(), page);
    for output in [table.out, json.out] {
        assert!(output.chars().all(|c| c.is_ascii_graphic() || matches!(c, ' ' | '\n')), "{output:?}");
    }
}

fn three_pages() -> Stub {
    Stub::start()
        .on("GET /api/v1/orders?limit=100", [page(2, Some("b"))])
        .on("GET /api/v1/orders?limit=100&cursor=b", [page(2, Some("c"))])
        .on("GET /api/v1/orders?limit=100&cursor=c", [page(1, None)])
}

#[test]
fn all_shows_every_page() {
    let run = run(&three_pages().url, "order list --all");
    assert_eq!((run.code, run.out.lines().count()), (0, 6), "{run:?}");
    assert_eq!(run.out.matches("ORDER").count(), 1);
}

#[test]
fn all_as_json_is_one_document() {
    let run = run(&three_pages().url, "order list --all --json");
    assert_eq!(run.code, 0, "{run:?}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document, json!({"orders": vec![order("confirmed"); 5], "next_cursor": null}));
}

#[test]
fn an_empty_listing_has_only_headers() {
    let stub = Stub::start().on("GET /api/v1/orders", [page(0, None)]);
    let run = run(&stub.url, "order list");
    assert_eq!(run.out, "ORDER  STATUS  TOTAL  PLACED  CUSTOMER\n");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    // The pages never end: only the closed pipe ends the command.
    let stub = Stub::start()
        .on("GET /api/v1/orders?limit=100", [page(100, Some("b"))])
        .on("GET /api/v1/orders?limit=100&cursor=b", [page(100, Some("b"))]);
    let mut command = program("order list --all");
    command.env("ORDERFLOW_URL", &stub.url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with("ORDER"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
