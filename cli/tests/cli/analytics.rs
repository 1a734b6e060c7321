//! `orderflow analytics summary` and `series`.

use serde_json::{Value, json};

use crate::program::{finish, program, run};
use crate::stub::{Reply, Stub};

fn summary() -> Value {
    json!({
        "total_orders": 5,
        "by_status": {"pending": 1, "confirmed": 2, "rejected": 1, "cancelled": 1},
        "revenue": {"amount": 1300, "currency": "USD"},
        "average_order_value": {"amount": 650, "currency": "USD"},
        "top_skus": [{"sku": "TSHIRT-BLK-M", "quantity": 7}, {"sku": "MUG", "quantity": 6}],
        "last_updated": "2026-11-20T10:00:00.000Z",
    })
}

fn stub(summary: &Value) -> Stub {
    Stub::start().on("GET /api/v1/analytics/summary", [Reply::json(200, summary)])
}

#[test]
fn the_summary_is_shown_as_two_tables() {
    let shown = run(&stub(&summary()).url, "analytics summary");
    assert_eq!(shown.code, 0, "{shown:?}");
    let expected = "\
ORDERS  PENDING  CONFIRMED  REJECTED  CANCELLED  REVENUE    AVERAGE
5       1        2          1         1          13.00 USD  6.50 USD

SKU           SOLD
TSHIRT-BLK-M  7
MUG           6
";
    assert_eq!(shown.out, expected);
}

#[test]
fn without_sales_the_summary_is_one_table() {
    let mut nothing = summary();
    nothing["top_skus"] = json!([]);
    assert_eq!(run(&stub(&nothing).url, "analytics summary").out.lines().count(), 2);
    nothing["top_skus"] = Value::Null;
    let unranked = run(&stub(&nothing).url, "analytics summary");
    assert_eq!((unranked.code, unranked.out.lines().count()), (0, 2));
    assert!(unranked.err.contains("more SKUs were sold than are ranked"), "{unranked:?}");
}

#[test]
fn the_summary_as_json_is_the_body_of_the_server() {
    let shown = run(&stub(&summary()).url, "analytics summary --json");
    let document: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(document, summary());
}

fn point(start: &str, orders: u64, confirmed: u64) -> Value {
    json!({"start": start, "orders": orders, "confirmed": confirmed, "revenue": {"amount": confirmed * 100, "currency": "USD"}})
}

fn series() -> Value {
    let points = [("10", 8, 4), ("11", 0, 0), ("12", 4, 2)];
    let points = points
        .map(|(hour, orders, confirmed)| point(&format!("2026-11-20T{hour}:00:00.000Z"), orders, confirmed));
    json!({ "series": points })
}

#[test]
fn a_series_is_a_chart() {
    let stub = Stub::start().on("GET /api/v1/analytics/series?bucket=hour", [Reply::json(200, &series())]);
    let shown = finish(program("analytics series").env("ORDERFLOW_URL", &stub.url).env("LANG", "C.UTF-8"));
    assert_eq!(shown.code, 0, "{shown:?}");
    let lines: Vec<&str> = shown.out.lines().collect();
    assert_eq!(lines[..2], ["orders placed by the hour, 12 in all", "8 |█"]);
    assert_eq!(lines[8..10], ["  |█ █", "0 +---"]);
    assert!(lines[10].contains("2026-11-20T10:00") && lines[10].contains("2026-11-20T12:00"), "{shown:?}");
    let ascii = run(&stub.url, "analytics series --show revenue");
    assert!(ascii.out.starts_with("revenue by the hour, 6.00 USD in all\n4.00 USD |#\n"), "{ascii:?}");
}

#[test]
fn the_span_of_a_series_is_sent_and_its_json_is_that_of_the_server() {
    let query = "bucket=day&from=2026-11-01T00%3A00%3A00Z&to=2026-11-20T00%3A00%3A00Z";
    let stub =
        Stub::start().on(&format!("GET /api/v1/analytics/series?{query}"), [Reply::json(200, &series())]);
    let arguments =
        "analytics series --bucket day --from 2026-11-01T00:00:00Z --to 2026-11-20T00:00:00Z --json";
    let shown = run(&stub.url, arguments);
    assert_eq!(serde_json::from_str::<Value>(&shown.out).unwrap(), series(), "{shown:?}");
    assert_eq!(run(&stub.url, "analytics series --bucket week").code, 2);
}
