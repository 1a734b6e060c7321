//! `orderflow order get` and `cancel`, and how every command handles bad responses.

use serde_json::Value;

use crate::program::{ID, finish, order, program, run};
use crate::stub::{Reply, Stub};

fn path(method: &str) -> String {
    format!("{method} /api/v1/orders/{ID}")
}

#[test]
fn an_order_is_shown() {
    let stub = Stub::start().on(&path("GET"), [Reply::json(200, &order("rejected"))]);
    let run = run(&stub.url, &format!("order get {ID}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("rejected (out_of_stock)"), "{}", run.out);
}

#[test]
fn json_keeps_the_order_of_members() {
    let body = order("pending").to_string().replacen('{', r#"{"zeta":1.10,"#, 1);
    let stub = Stub::start().on(&path("GET"), [Reply::text(200, body.clone())]);
    let run = run(&stub.url, &format!("order get {ID} --json"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.starts_with("{\n  \"zeta\": 1.10,\n"), "{}", run.out);
    let value: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(&body).unwrap());
}

#[test]
fn cancel_shows_the_order_or_the_refusal() {
    let stub = Stub::start().on(
        &path("DELETE"),
        [
            Reply::json(200, &order("cancelled")),
            Reply::problem(409, "order-not-cancellable", "Too late", &[]),
        ],
    );
    let arguments = format!("order cancel {ID}");
    let (first, second) = (run(&stub.url, &arguments), run(&stub.url, &arguments));
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("cancelled"));
    assert_eq!((second.code, second.out.as_str()), (1, ""));
    assert!(second.err.starts_with("error: Too late (409 order-not-cancellable)"));
}

#[test]
fn ids_are_encoded_and_cannot_change_the_path() {
    let stub = Stub::start();
    let encoded = run(&stub.url, "order get a/../b?c#d");
    assert_eq!(encoded.code, 1);
    assert!(encoded.err.contains("(404 not-found)"), "{}", encoded.err);
    assert_eq!(stub.lines(), ["GET /api/v1/orders/a%2F..%2Fb%3Fc%23d"]);
    assert_eq!(run(&stub.url, "order cancel ..").code, 2);
}

#[test]
fn a_401_says_how_to_give_a_token() {
    let stub = Stub::start()
        .on(&path("GET"), [Reply::problem(401, "unauthenticated", "A valid token is needed", &[])]);
    let run = run(&stub.url, &format!("order get {ID}"));
    assert_eq!(run.code, 1);
    assert!(run.err.contains("ORDERFLOW_TOKEN"), "{}", run.err);
}

#[test]
fn an_invalid_token_is_not_printed() {
    let mut command = program(&format!("order get {ID}"));
    let run = finish(command.env("ORDERFLOW_TOKEN", "sec\nret"));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("ORDERFLOW_TOKEN: ") && !run.err.contains("ret\n"), "{}", run.err);
}

#[test]
fn responses_that_are_not_orderflows_are_reported() {
    for (reply, expected) in [
        (Reply::text(502, "<html>\u{1b}Bad Gateway"), "answered with status 502 Bad Gateway"),
        (Reply::text(200, "hello"), "is not Orderflow's; check --url: hello"),
        (Reply::text(200, "{}"), "missing field `id`"),
        (Reply::text(301, "").with("location", "https://h/"), "answered with status 301"),
    ] {
        let stub = Stub::start().on(&path("GET"), [reply]);
        for arguments in [format!("order get {ID}"), format!("order get {ID} --json")] {
            let run = run(&stub.url, &arguments);
            assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
            assert!(run.err.contains(expected), "{}", run.err);
            assert!(!run.err.contains('\u{1b}'));
        }
    }
}
