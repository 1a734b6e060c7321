//! Requests that are repeated, forged, or have fractions of a cent.

use orderflow_engine::Location;
use orderflow_store_port::Operation;
use orderflow_testing::faults::WriteFault;
use orderflow_tests::order_body;
use serde_json::{Value, json};

use crate::support::{TestShop, assert_confirmed, failing_store, open, open_over};

async fn orders_of(shop: &TestShop, customer: &str) -> Vec<Value> {
    let list = shop.get(&format!("/api/v1/orders?customer_id={customer}")).await.expect(200).body;
    list["orders"].as_array().cloned().unwrap()
}

#[tokio::test]
async fn h05_an_order_that_is_sent_again_is_one_order() {
    let store = failing_store(Location::Memory);
    let mut shop = open_over(&store).await;
    let (body, key) = (order_body("TSHIRT-GRY-S", 2), [("idempotency-key", "k1")]);
    store.inject(|write| matches!(write.operation, Operation::Put(_)).then_some(WriteFault::LostAnswer));
    shop.post_with("/api/v1/orders", &key, &body).await.expect_problem(503, "unavailable");
    store.stop_injecting();
    let id = shop.post_with("/api/v1/orders", &key, &body).await.expect(202).body["id"].clone();
    shop.wait_until_idle().await;
    let again = shop.post_with("/api/v1/orders", &key, &body).await.expect(202).body;
    assert_eq!((&again["id"], &again["status"]), (&id, &json!("confirmed")));
    shop.wait_until_idle().await;
    assert_eq!(orders_of(&shop, "C100").await.len(), 1);
    assert_confirmed(&shop, id.as_str().unwrap()).await;
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (8, 2));
}

#[tokio::test]
async fn h16_a_used_key_with_another_body_is_refused() {
    let mut shop = open().await;
    let key = [("idempotency-key", "k1")];
    let first = shop.post_with("/api/v1/orders", &key, &order_body("PRODUCT-001", 1)).await.expect(202).body;
    let mut others = vec![order_body("PRODUCT-001", 2), order_body("PRODUCT-002", 1)];
    others.push(json!({"customer_id": "C100", "email": "other@example.com",
        "items": [{"sku": "PRODUCT-001", "quantity": 1}]}));
    for other in &others {
        let answer = shop.post_with("/api/v1/orders", &key, other).await;
        answer.expect_problem(422, "idempotency-key-reused");
    }
    shop.wait_until_idle().await;
    assert_eq!(orders_of(&shop, "C100").await.len(), 1);
    assert_confirmed(&shop, first["id"].as_str().unwrap()).await;
    assert_eq!((shop.level("PRODUCT-001").await, shop.level("PRODUCT-002").await), ((99, 1), (500, 0)));
}

#[tokio::test]
async fn h17_sums_are_exact_and_fractions_are_refused() {
    let mut shop = open().await;
    // In binary floating point 0.10 + 0.20 is not 0.30, and the second total is above 2^53 hundredths of a cent.
    for (sku, amount) in [("TEN", 10), ("TWENTY", 20), ("DEAR", 99_999_999)] {
        let price = json!({"amount": amount, "currency": "USD"});
        let body = json!({"sku": sku, "name": sku, "price": price, "stock": 10_000});
        shop.post("/api/v1/products", &body).await.expect(201);
    }
    for (items, total) in [
        (json!([{"sku": "TEN", "quantity": 1}, {"sku": "TWENTY", "quantity": 1}]), 30_i64),
        (json!([{"sku": "DEAR", "quantity": 9_999}, {"sku": "TEN", "quantity": 1}]), 999_899_990_011),
    ] {
        let id = shop.place(&json!({"customer_id": "C1", "email": "c@example.com", "items": items})).await;
        shop.wait_until_idle().await;
        assert_eq!(shop.order(&id).await["total"], json!({"amount": total, "currency": "USD"}));
        let payments = shop.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200).body;
        assert_eq!(payments["payments"][0]["amount"], total);
    }
    for amount in [json!(19.99), json!("19.99"), json!(1e30)] {
        let price = json!({"amount": amount, "currency": "USD"});
        let answer = shop.post("/api/v1/products", &json!({"sku": "X", "name": "X", "price": price})).await;
        answer.expect_problem(422, "invalid-request").expect_fields(&["price.amount"]);
    }
}

#[tokio::test]
async fn h18_the_shop_sets_the_price() {
    let mut shop = open().await;
    for (field, value) in [("total", json!(1)), ("status", json!("confirmed")), ("unit_price", json!(1))] {
        let mut body = order_body("PRODUCT-001", 1);
        body[field] = value.clone();
        shop.post("/api/v1/orders", &body).await.expect_problem(422, "invalid-request");
        let mut body = order_body("PRODUCT-001", 1);
        body["items"][0][field] = value;
        shop.post("/api/v1/orders", &body).await.expect_problem(422, "invalid-request");
    }
    let id = shop.place(&order_body("PRODUCT-001", 2)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&id).await["total"]["amount"], 259_800);
    assert_eq!(orders_of(&shop, "C100").await.len(), 1);
}
