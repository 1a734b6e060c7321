//! Products that change between orders.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{Mode, TestApp, order_body};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// An order keeps the product's name and price at the time of ordering; a later order has the new ones.
pub async fn snapshot<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let before = shop.place(&order_body("PRODUCT-002", 2)).await;
    let patch = json!({"name": "Silent mouse", "price": usd(3_000)});
    let product = shop.patch("/api/v1/products/PRODUCT-002", &patch).await.expect(200).body;
    assert_eq!((&product["name"], &product["price"]), (&json!("Silent mouse"), &usd(3_000)));
    let after = shop.place(&order_body("PRODUCT-002", 2)).await;
    shop.wait_until_idle().await;
    for (id, name, unit_price) in [(before, "Mouse", 2_500), (after, "Silent mouse", 3_000)] {
        let order = shop.order(&id).await;
        assert_eq!(order["status"], "confirmed");
        let line = json!({"sku": "PRODUCT-002", "name": name, "quantity": 2, "unit_price": unit_price});
        assert_eq!(order["items"], json!([line]));
        assert_eq!(order["total"], usd(2 * unit_price));
        let payments = shop.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200).body;
        assert_eq!(payments["payments"][0]["amount"], 2 * unit_price);
    }
}

/// A removed product cannot be ordered. Earlier orders of it are processed, and its stock remains if it is created again.
pub async fn removed<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let path = "/api/v1/products/TSHIRT-GRY-S";
    let before = shop.place(&order_body("TSHIRT-GRY-S", 4)).await;
    shop.delete(path).await.expect(204);
    shop.get(path).await.expect_problem(404, "not-found");
    let refused = shop.post("/api/v1/orders", &order_body("TSHIRT-GRY-S", 1)).await;
    refused.expect_problem(422, "unknown-product").expect_fields(&["items[0].sku"]);
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&before).await["status"], "confirmed");
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (6, 4));

    let body = json!({"sku": "TSHIRT-GRY-S", "name": "T-shirt grey, S", "price": usd(999), "stock": 10});
    shop.post("/api/v1/products", &body).await.expect(201);
    let after = shop.place(&order_body("TSHIRT-GRY-S", 1)).await;
    shop.wait_until_idle().await;
    let order = shop.order(&after).await;
    assert_eq!((&order["status"], &order["total"]), (&json!("confirmed"), &usd(999)));
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (5, 5), "the initial stock is not added again");
    shop.post("/api/v1/products", &body).await.expect_problem(409, "already-exists");
}

/// A request warms the cache of products.
pub async fn warmed_up<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    let path = "/api/v1/admin/cache/warmup";
    let some = shop.post(path, &json!({"skus": ["PRODUCT-001", "UNKNOWN"]})).await.expect(200).body;
    assert_eq!(some, json!({"warmed": 1}));
    let all = shop.send("POST", path, &[], Body::empty()).await.expect(200).body;
    assert_eq!(all, json!({"warmed": 5}));
}
