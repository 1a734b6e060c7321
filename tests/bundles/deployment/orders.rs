//! Orders in a deployed system.

use reqwest::Method;
use serde_json::{Value, json};

use super::shop::Shop;

/// One order is confirmed, one is out of stock, one is declined and its units are released; each customer gets a message.
pub(super) async fn are_settled(shop: &Shop) {
    let good = shop.place(json!({"items": [{"sku": "TSHIRT-BLK-M", "quantity": 2}]})).await;
    let short = shop.place(json!({"items": [{"sku": "TSHIRT-GRY-S", "quantity": 11}]})).await;
    let items = json!([{"sku": "PRODUCT-002", "quantity": 3}]);
    let declined = shop.place(json!({"items": items, "payment_token": "tok_declined"})).await;
    for (id, status, reason, template) in [
        (good, "confirmed", json!(null), "order_confirmation"),
        (short, "rejected", json!("out_of_stock"), "order_out_of_stock"),
        (declined, "rejected", json!("payment_declined"), "order_payment_declined"),
    ] {
        let order = shop.wait(&format!("/orders/{id}"), |order| order["status"] == status).await;
        assert_eq!(order["reason"], reason, "{order}");
        assert_eq!(shop.told(&id).await, template, "{order}");
    }
    let level = json!({"sku": "PRODUCT-002", "available": 500, "reserved": 0});
    shop.wait("/inventory/PRODUCT-002", |body| *body == level).await;
    let counted = |body: &Value, status: &str| body["by_status"][status].as_i64().unwrap_or_default();
    shop.wait("/analytics/summary", |body| counted(body, "confirmed") >= 1 && counted(body, "rejected") >= 2)
        .await;
}

/// A requested message is sent.
pub(super) async fn are_not_the_only_cause_of_messages(shop: &Shop) {
    let message = json!({"channel": "sms", "recipient": "+4930123456", "template": "order_refunded",
        "variables": {"orderId": "123", "total": "9.99"}});
    let answer = shop.send(Method::POST, "/notifications", &message, None).await;
    assert_eq!(answer.status(), 202);
    let requested = answer.json::<Value>().await.unwrap();
    let path = format!("/notifications/{}", requested["id"].as_str().unwrap());
    shop.wait(&path, |body| body["status"] == "sent").await;
}
