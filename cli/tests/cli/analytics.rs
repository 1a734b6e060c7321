//! `orderflow analytics summary`.

use serde_json::{Value, json};

use crate::program::run;
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
