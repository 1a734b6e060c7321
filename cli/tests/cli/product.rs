//! `orderflow product` and `orderflow stock`.

use orderflow_testing::program::Run;
use serde_json::{Value, json};

use crate::program::run;
use crate::stub::{Reply, Stub};

fn added(arguments: &str) -> (Run, Option<Value>) {
    let product = json!({"sku": "MUG-01", "name": "Mug", "price": {"amount": 750, "currency": "USD"},
        "created_at": "2026-11-20T10:00:00.000Z", "updated_at": "2026-11-20T10:00:00.000Z"});
    let stub = Stub::start().on("POST /api/v1/products", [Reply::json(201, &product)]);
    let run = run(&stub.url, &format!("product add MUG-01 --name Mug {arguments}"));
    let body = stub.asked().pop().map(|asked| asked.body);
    (run, body)
}

#[test]
fn a_product_is_added_with_exact_minor_units() {
    let (run, body) = added("--price 7.50 --currency USD --stock 100");
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.out, "SKU     PRICE     NAME\nMUG-01  7.50 USD  Mug\n");
    assert_eq!(
        body.unwrap(),
        json!({"sku": "MUG-01", "name": "Mug", "price": {"amount": 750, "currency": "USD"}, "stock": 100})
    );
    let (_, body) = added("--price 500 --currency jpy");
    assert_eq!(body.unwrap()["price"], json!({"amount": 500, "currency": "JPY"}));
    let (_, body) = added("--amount 750");
    assert_eq!(
        body.unwrap(),
        json!({"sku": "MUG-01", "name": "Mug", "price": {"amount": 750, "currency": "USD"}, "stock": 0})
    );
}

#[test]
fn an_invalid_price_is_wrong_usage() {
    for arguments in
        ["", "--price 1.999", "--price 1,99", "--price 1.00 --amount 100", "--price 1.00 --currency DOLLAR"]
    {
        let (run, body) = added(arguments);
        assert_eq!((run.code, body), (2, None), "{arguments}: {run:?}");
    }
}

#[test]
fn products_are_listed() {
    let page = json!({"products": [{"sku": "A", "name": "Laptop", "price": {"amount": 129900, "currency": "USD"},
        "created_at": "", "updated_at": ""}], "next_cursor": null});
    let stub = Stub::start().on("GET /api/v1/products", [Reply::json(200, &page)]);
    let run = run(&stub.url, "product list");
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.out, "SKU  PRICE        NAME\nA    1299.00 USD  Laptop\n");
}

#[test]
fn only_the_given_fields_of_a_product_are_changed() {
    let product = json!({"sku": "A", "name": "Laptop", "price": {"amount": 99900, "currency": "USD"},
        "created_at": "", "updated_at": ""});
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    for (arguments, body) in [
        ("--price 999.00", json!({"price": usd(99_900)})),
        ("--amount 99900 --currency USD", json!({"price": usd(99_900)})),
        ("--name Laptop", json!({"name": "Laptop"})),
        ("--name Laptop --amount 0", json!({"name": "Laptop", "price": usd(0)})),
    ] {
        let stub = Stub::start().on("PATCH /api/v1/products/A", [Reply::json(200, &product)]);
        let run = run(&stub.url, &format!("product set A {arguments}"));
        assert_eq!(
            (run.code, run.out.as_str()),
            (0, "SKU  PRICE       NAME\nA    999.00 USD  Laptop\n"),
            "{run:?}"
        );
        assert_eq!(stub.asked()[0].body, body);
    }
    for arguments in ["", "--price 1.999", "--price 1 --amount 1"] {
        let stub = Stub::start();
        let run = run(&stub.url, &format!("product set A {arguments}"));
        assert_eq!((run.code, stub.lines().len()), (2, 0), "{arguments}: {run:?}");
    }
}

#[test]
fn a_product_is_removed() {
    let removed = Reply::text(204, "");
    let stub = Stub::start().on("DELETE /api/v1/products/A", [Reply::text(503, ""), removed]);
    let removed = run(&stub.url, "product remove A");
    assert_eq!((removed.code, removed.out.as_str()), (0, ""), "{removed:?}");
    assert_eq!(removed.err, "A was removed\n");
    assert_eq!(run(&stub.url, "product remove UNKNOWN").code, 1);
}

#[test]
fn stock_is_set_and_adjusted() {
    let level = json!({"sku": "A", "available": 97, "reserved": 3});
    for (arguments, body) in [
        ("stock set A 100", json!({"set": 100})),
        ("stock adjust A -3", json!({"adjust": -3})),
        ("stock adjust A -- -3", json!({"adjust": -3})),
    ] {
        let stub = Stub::start().on("POST /api/v1/inventory/A", [Reply::json(200, &level)]);
        let run = run(&stub.url, arguments);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.out, "SKU  AVAILABLE  RESERVED\nA    97         3\n");
        let asked = &stub.asked()[0];
        assert_eq!(asked.body, body);
        assert!(asked.headers.contains_key("idempotency-key"));
    }
}

#[test]
fn stock_is_read() {
    let level = json!({"sku": "A", "available": 97, "reserved": 3});
    let page = json!({"inventory": [level], "next_cursor": null,
        "totals": {"skus": 1, "available": 97, "reserved": 3}});
    let stub = Stub::start()
        .on("GET /api/v1/inventory/A", [Reply::json(200, &level)])
        .on("GET /api/v1/inventory", [Reply::json(200, &page)])
        .on("GET /api/v1/inventory?limit=100", [Reply::json(200, &page)]);
    let one = run(&stub.url, "stock get A");
    let all = run(&stub.url, "stock get");
    assert_eq!((one.code, &one.out), (0, &all.out), "{one:?} {all:?}");
    let document = run(&stub.url, "stock get --all --json");
    assert_eq!(serde_json::from_str::<Value>(&document.out).unwrap(), page);
}
