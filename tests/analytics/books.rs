//! The expected summary, counted from the orders.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use orderflow_tests::TestApp;
use serde_json::{Value, json};

use crate::repeating::RepeatingMode;

/// Counts all orders of the listing. The result has no `last_updated`.
pub(crate) async fn recount(shop: &TestApp<RepeatingMode>) -> Value {
    let orders = all_orders(shop).await;
    let in_status = |status: &str| orders.iter().filter(|order| order["status"] == status).count();
    let confirmed: Vec<&Value> = orders.iter().filter(|order| order["status"] == "confirmed").collect();
    let revenue: i64 = confirmed.iter().map(|order| order["total"]["amount"].as_i64().unwrap()).sum();
    let average = (revenue as f64 / confirmed.len() as f64).round() as i64;
    let mut sold: BTreeMap<&str, i64> = BTreeMap::new();
    for line in confirmed.iter().flat_map(|order| order["items"].as_array().unwrap()) {
        *sold.entry(line["sku"].as_str().unwrap()).or_default() += line["quantity"].as_i64().unwrap();
    }
    let mut top: Vec<_> = sold.into_iter().collect();
    top.sort_by_key(|(_, quantity)| Reverse(*quantity));
    top.truncate(10);
    json!({
        "total_orders": orders.len(),
        "by_status": {
            "pending": in_status("pending") + in_status("reserved"),
            "confirmed": confirmed.len(),
            "rejected": in_status("rejected"),
            "cancelled": in_status("cancelled"),
        },
        "revenue": {"amount": revenue, "currency": "USD"},
        "average_order_value": {"amount": average, "currency": "USD"},
        "top_skus": top.into_iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect::<Vec<_>>(),
        "last_updated": null,
    })
}

async fn all_orders(shop: &TestApp<RepeatingMode>) -> Vec<Value> {
    let (mut orders, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/api/v1/orders?limit=100{cursor}")).await.expect(200).body;
        orders.extend(page["orders"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return orders,
        }
    }
}
