//! `orderflow order place`.

use serde_json::json;

use crate::program::{ID, finish, order, program, run};
use crate::stub::{Reply, Stub};

const PLACE: &str = "order place --customer C100 --email c100@example.com --item TSHIRT-BLK-M:2 --item MUG";

fn order_path() -> String {
    format!("GET /api/v1/orders/{ID}")
}

#[test]
fn an_order_is_sent_and_shown() {
    let stub = Stub::start().on("POST /api/v1/orders", [Reply::json(202, &order("pending"))]);
    let run = run(&stub.url, PLACE);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        run.out,
        format!(
            "\
order     {ID}
status    pending
total     39.98 USD
customer  C100
email     c100@example.com
placed    2026-11-20T10:00:00.000Z
changed   2026-11-20T10:00:01.000Z

SKU           QUANTITY  UNIT PRICE  NAME
TSHIRT-BLK-M  2         19.99 USD   T-shirt
"
        )
    );
    assert_eq!(run.err, "");
    let asked = &stub.asked()[0];
    assert_eq!(
        asked.body,
        json!({"customer_id": "C100", "email": "c100@example.com",
               "items": [{"sku": "TSHIRT-BLK-M", "quantity": 2}, {"sku": "MUG", "quantity": 1}]})
    );
    assert_eq!(asked.headers["content-type"], "application/json");
    assert!(asked.headers["idempotency-key"].len() >= 32);
    assert!(!asked.headers.contains_key("authorization"));
}

#[test]
fn every_flag_is_sent() {
    let stub = Stub::start().on("POST /api/v1/orders", [Reply::json(202, &order("pending"))]);
    let mut command = program(PLACE);
    command
        .args(["--phone", "+4930123456", "--payment-token", "tok_visa"])
        .args(["--idempotency-key", "k-1", "--json"])
        .args(["--url", &format!("{}/", stub.url)])
        .env("ORDERFLOW_TOKEN", "secret\n");
    let run = finish(&mut command);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.out).unwrap(), order("pending"));
    let asked = &stub.asked()[0];
    assert_eq!(asked.line, "POST /api/v1/orders");
    assert_eq!(asked.body["phone"], "+4930123456");
    assert_eq!(asked.body["payment_token"], "tok_visa");
    assert_eq!(asked.headers["idempotency-key"], "k-1");
    assert_eq!(asked.headers["authorization"], "Bearer secret");
}

#[test]
fn retries_of_an_order_carry_the_same_key() {
    let stub = Stub::start().on(
        "POST /api/v1/orders",
        [
            Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "0"),
            Reply::problem(429, "rate-limited", "Too many", &[]),
            Reply::json(202, &order("pending")),
        ],
    );
    let run = run(&stub.url, PLACE);
    assert_eq!(run.code, 0, "{run:?}");
    let asked = stub.asked();
    assert_eq!(asked.len(), 3);
    let key = |index: usize| asked[index].headers["idempotency-key"].clone();
    assert!(key(0) == key(1) && key(1) == key(2));
    assert_eq!(asked[0].body, asked[2].body);
}

#[test]
fn after_the_last_retry_the_key_is_printed() {
    let down = Reply::problem(503, "unavailable", "Not now", &[]).with("retry-after", "0");
    let stub = Stub::start().on("POST /api/v1/orders", [down]);
    let run = run(&stub.url, PLACE);
    assert_eq!((run.code, stub.asked().len()), (1, 4));
    assert!(run.err.contains("Not now (503 unavailable)"), "{}", run.err);
    let key = &stub.asked()[0].headers["idempotency-key"];
    assert!(run.err.contains(&format!("--idempotency-key {key}")), "{}", run.err);
}

#[test]
fn a_long_retry_after_is_not_waited_for() {
    let busy = Reply::problem(429, "rate-limited", "Too many", &[]).with("retry-after", "3600");
    let stub = Stub::start().on("POST /api/v1/orders", [busy]);
    let run = run(&stub.url, PLACE);
    assert_eq!((run.code, stub.asked().len()), (1, 1));
}

#[test]
fn a_refusal_is_shown_field_by_field() {
    let errors = [("email", "must be an address"), ("items[0].quantity", "must be 1 to 10000")];
    let refusal = Reply::problem(422, "invalid-request", "Some fields are not valid", &errors);
    let stub = Stub::start().on("POST /api/v1/orders", [refusal]);
    let run = run(&stub.url, PLACE);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(
        run.err,
        "error: Some fields are not valid (422 invalid-request)\n  In detail.\n  email: must be an address\n  \
         items[0].quantity: must be 1 to 10000\n"
    );
    assert_eq!(stub.asked().len(), 1);
}

#[test]
fn wait_shows_the_final_status() {
    for (last, shown) in
        [("confirmed", "status    confirmed\n"), ("rejected", "status    rejected (out_of_stock)\n")]
    {
        let stub = Stub::start().on("POST /api/v1/orders", [Reply::json(202, &order("pending"))]).on(
            &order_path(),
            [
                Reply::json(200, &order("reserved")).with("etag", "\"1\""),
                Reply::text(304, ""),
                Reply::json(200, &order(last)),
            ],
        );
        let run = run(&stub.url, &format!("{PLACE} --wait"));
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.out.contains(shown), "{}", run.out);
        assert_eq!(run.out.matches("status").count(), 1);
        assert!(run.err.contains("waiting"), "{}", run.err);
        let asked = stub.asked();
        assert_eq!(asked.len(), 4);
        assert!(!asked[1].headers.contains_key("if-none-match"));
        assert_eq!(asked[2].headers["if-none-match"], "\"1\"");
        assert_eq!(asked[3].headers["if-none-match"], "\"1\"");
    }
}

#[test]
fn after_its_timeout_wait_fails_and_shows_the_order() {
    let stub = Stub::start()
        .on("POST /api/v1/orders", [Reply::json(202, &order("pending"))])
        .on(&order_path(), [Reply::json(200, &order("reserved"))]);
    let run = run(&stub.url, &format!("{PLACE} --wait --timeout 500ms"));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("status    reserved"), "{}", run.out);
    let expected = format!("order {ID} is still reserved after 0.5 s");
    assert!(run.err.contains(&expected), "{}", run.err);
}
