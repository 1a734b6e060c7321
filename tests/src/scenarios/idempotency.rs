//! Repeated requests.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{Answer, Mode, TestApp, order_body};

async fn keyed<M: Mode>(shop: &TestApp<M>, key: &str, body: &Value) -> Answer {
    shop.post_with("/api/v1/orders", &[("idempotency-key", key)], body).await
}

/// A repeated key and body return the current state of the same order, even if the product was removed or is sold out.
pub async fn same_key<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let first = keyed(&shop, "k1", &order_body("TSHIRT-GRY-S", 10)).await.expect(202).body;
    shop.wait_until_idle().await;
    // The same body, formatted differently.
    let again = json!({"items": [{"quantity": 4, "sku": "tshirt-gry-s"}, {"quantity": 6, "sku": "TSHIRT-GRY-S"}],
        "email": "c100@example.com", "customer_id": "C100"});
    let second = keyed(&shop, "k1", &again).await.expect(202).body;
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["status"], "confirmed");
    let mut other_customer = order_body("PRODUCT-002", 1);
    other_customer["customer_id"] = json!("C200");
    let third = keyed(&shop, "k1", &other_customer).await.expect(202).body;
    assert_ne!(third["id"], first["id"], "keys are separate for each customer");
    shop.wait_until_idle().await;
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (0, 10));
}

/// A different body with a used key is refused.
pub async fn other_body<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    keyed(&shop, "k1", &order_body("PRODUCT-001", 1)).await.expect(202);
    let other = keyed(&shop, "k1", &order_body("PRODUCT-001", 2)).await;
    other.expect_problem(422, "idempotency-key-reused");
    for bad in ["", "with space", &"k".repeat(256)] {
        keyed(&shop, bad, &order_body("PRODUCT-001", 1)).await.expect_problem(422, "invalid-request");
    }
}

/// Twenty concurrent requests with one key create one order and one charge.
pub async fn concurrent<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let body = json!({"customer_id": "C1", "email": "c@example.com", "items": [
        {"sku": "PRODUCT-001", "quantity": 1}, {"sku": "PRODUCT-002", "quantity": 1}]});
    let answers = join_all((0..20).map(|_| keyed(&shop, "k1", &body))).await;
    let ids: Vec<_> = answers.into_iter().map(|answer| answer.expect(202).body["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    shop.wait_until_idle().await;
    assert_eq!(shop.level("PRODUCT-001").await, (99, 1));
    let list = shop.get("/api/v1/orders?customer_id=C1").await.expect(200).body;
    assert_eq!(list["orders"].as_array().map(Vec::len), Some(1));
}
