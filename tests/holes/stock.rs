//! Stock that is sold twice, reserved partly, or never released.

use futures::future::join_all;
use orderflow_tests::order_body;
use serde_json::json;

use crate::support::{assert_confirmed, deliver, faults, is_settled, open, placed};

#[tokio::test]
async fn h01_units_are_held_before_anybody_pays() {
    let mut shop = open().await;
    faults(&shop, "ok", &["payment"]).await;
    let body = order_body("TSHIRT-GRY-S", 1);
    let ids = join_all((0..15).map(|_| shop.place(&body))).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (0, 10));
    let mut held = Vec::new();
    for id in &ids {
        match shop.order(id).await["status"].as_str() {
            Some("reserved") => held.push(id),
            other => assert_eq!(other, Some("rejected")),
        }
    }
    assert_eq!(held.len(), 10);
    faults(&shop, "ok", &[]).await;
    shop.wait_until_idle().await;
    for id in held {
        assert_confirmed(&shop, id).await;
    }
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (0, 10));
}

#[tokio::test]
async fn h02_an_order_gets_every_unit_or_none() {
    let mut shop = open().await;
    let first = shop.place(&order_body("TSHIRT-GRY-S", 7)).await;
    shop.wait_until_idle().await;
    let second = shop.place(&order_body("TSHIRT-GRY-S", 4)).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &first).await;
    let refused = shop.order(&second).await;
    assert_eq!((&refused["status"], &refused["reason"]), (&json!("rejected"), &json!("out_of_stock")));
    assert_eq!(refused["items"][0]["quantity"], 4);
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (3, 7));
}

#[tokio::test]
async fn h03_lines_of_one_sku_are_counted_together() {
    let mut shop = open().await;
    let order = |first: i64, second: i64| {
        json!({"customer_id": "C1", "email": "c@example.com", "items": [
            {"sku": "TSHIRT-GRY-S", "quantity": first}, {"sku": "tshirt-gry-s", "quantity": second}]})
    };
    let too_many = shop.place(&order(6, 5)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&too_many).await["reason"], "out_of_stock");
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
    let all = shop.place(&order(6, 4)).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &all).await;
    assert_eq!(shop.order(&all).await["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (0, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h04_the_reserved_counter_is_what_orders_hold() {
    let mut shop = open().await;
    faults(&shop, "ok", &["payment"]).await;
    let bodies: Vec<_> = (1..=30).map(|number| order_body("PRODUCT-003", 1 + number % 5)).collect();
    let ids = join_all(bodies.iter().map(|body| shop.place(body))).await;
    shop.wait_until_idle().await;
    let (gone, kept) = ids.split_at(15);
    let paths: Vec<_> = gone.iter().map(|id| format!("/api/v1/orders/{id}")).collect();
    join_all(paths.iter().map(|path| shop.delete(path))).await;
    // Inventory gets order.placed and order.cancelled in one batch.
    let late = join_all(bodies.iter().take(10).map(|body| shop.place(body))).await;
    faults(&shop, "ok", &[]).await;
    shop.wait_until_idle().await;
    let mut held = 0;
    for id in kept.iter().chain(&late) {
        assert_confirmed(&shop, id).await;
        held += shop.order(id).await["items"][0]["quantity"].as_i64().unwrap();
    }
    assert_eq!(shop.level("PRODUCT-003").await, (300 - held, held));
}

#[tokio::test]
async fn h12_a_declined_payment_gives_the_stock_back() {
    let mut shop = open().await;
    let mut body = order_body("TSHIRT-GRY-S", 10);
    body["payment_token"] = json!("tok_declined");
    let declined = shop.place(&body).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&declined).await["reason"], "payment_declined");
    assert!(is_settled(&shop, &declined).await);
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
    let next = shop.place(&order_body("TSHIRT-GRY-S", 10)).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &next).await;
}

#[tokio::test]
async fn h13_a_message_that_comes_again_holds_nothing_again() {
    let mut shop = open().await;
    let id = shop.place(&order_body("TSHIRT-GRY-S", 3)).await;
    let event = placed(&shop.order(&id).await);
    for _ in 0..3 {
        deliver(&shop, "inventory-reserve", std::slice::from_ref(&event)).await;
        assert_eq!(shop.level("TSHIRT-GRY-S").await, (7, 3));
    }
    deliver(&shop, "inventory-reserve", &[event.clone(), event.clone()]).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &id).await;
    deliver(&shop, "inventory-reserve", &[event]).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &id).await;
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (7, 3));
}
