//! Stock under concurrent requests.

use std::sync::atomic::{AtomicI64, Ordering};

use futures::future::join_all;
use serde_json::json;

use crate::{Mode, TestApp, order_body};

/// Of 200 concurrent orders for 100 units exactly 100 are confirmed.
pub async fn oversell<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let body = order_body("TSHIRT-BLK-M", 1);
    let ids = join_all((0..200).map(|_| shop.place(&body))).await;
    shop.wait_until_idle().await;
    let orders = join_all(ids.iter().map(|id| shop.order(id))).await;
    let count = |status: &str| orders.iter().filter(|order| order["status"] == status).count();
    assert_eq!((count("confirmed"), count("rejected")), (100, 100));
    assert!(
        orders
            .iter()
            .filter(|order| order["status"] == "rejected")
            .all(|order| order["reason"] == "out_of_stock")
    );
    assert_eq!(shop.level("TSHIRT-BLK-M").await, (0, 100));
}

/// A product can be ordered immediately after its creation.
pub async fn first_stock<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let mut ids = Vec::new();
    for number in 0..100 {
        let sku = format!("NEW-{number}");
        shop.sell(&sku, 1).await;
        ids.push(shop.place(&order_body(&sku, 1)).await);
    }
    shop.wait_until_idle().await;
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(shop.order(id).await["status"], "confirmed");
        assert_eq!(shop.level(&format!("NEW-{number}")).await, (0, 1));
    }
}

/// A correction takes effect once for each key, and never makes a level negative.
pub async fn corrections<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    shop.sell("FRESH", 5).await;
    let path = "/api/v1/inventory/FRESH";
    let keyed = |body| shop.post_with(path, &[("idempotency-key", "k1")], body);
    let adjust = json!({"adjust": -3});
    for _ in 0..3 {
        let level = keyed(&adjust).await.expect(200).body;
        assert_eq!(level, json!({"sku": "FRESH", "available": 2, "reserved": 0}));
    }
    keyed(&json!({"adjust": -2})).await.expect_problem(422, "idempotency-key-reused");
    shop.post(path, &adjust).await.expect_problem(409, "insufficient-stock");
    shop.post("/api/v1/inventory/UNKNOWN", &adjust).await.expect_problem(404, "not-found");
    shop.post("/api/v1/inventory/UNKNOWN", &json!({"set": 3})).await.expect_problem(404, "not-found");
    shop.post(path, &json!({"set": 100})).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(shop.level("FRESH").await, (100, 0), "the initial stock is not added again");
}

/// Under concurrent requests, available plus reserved units stay the stocked units.
pub async fn levels_add_up<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let bodies: Vec<_> = (0..60).map(|number| order_body("PRODUCT-003", 1 + number % 7)).collect();
    let ids = join_all(bodies.iter().map(|body| shop.place(body))).await;
    let paths: Vec<_> = ids.iter().step_by(3).map(|id| format!("/api/v1/orders/{id}")).collect();
    join_all(paths.iter().map(|path| shop.delete(path))).await;
    let correction = json!({"adjust": 1});
    join_all((0..20).map(|_| shop.post("/api/v1/inventory/PRODUCT-003", &correction))).await;
    shop.wait_until_idle().await;
    let (available, reserved) = shop.level("PRODUCT-003").await;
    assert_eq!(available + reserved, 320);
    let orders = join_all(ids.iter().map(|id| shop.order(id))).await;
    let held: i64 = orders
        .iter()
        .filter(|order| order["status"] == "confirmed")
        .filter_map(|order| order["items"][0]["quantity"].as_i64())
        .sum();
    assert_eq!(reserved, held);
    let list = shop.get("/api/v1/inventory?limit=2").await.expect(200).body;
    assert_eq!(list["totals"]["skus"], 5);
    assert_eq!(list["totals"]["available"], available + 710);
    assert!(list["next_cursor"].is_string());
}

/// 20 clients adjust, order and cancel one SKU: the level is consistent at every read.
pub async fn twenty_clients<M: Mode>() {
    const FIRST_STOCK: i64 = 60;
    const ROUNDS: usize = 4;
    let mut shop: TestApp<M> = TestApp::open().await;
    shop.sell("BUSY", FIRST_STOCK).await;
    let (adding, added) = (AtomicI64::new(0), AtomicI64::new(0));
    let client = async || {
        let mut ids = Vec::new();
        for round in 0..ROUNDS {
            adding.fetch_add(1, Ordering::SeqCst);
            shop.post("/api/v1/inventory/BUSY", &json!({"adjust": 1})).await.expect(200);
            added.fetch_add(1, Ordering::SeqCst);
            ids.push(shop.place(&order_body("BUSY", 2)).await);
            if round % 2 == 0 {
                let cancelled = shop.delete(&format!("/api/v1/orders/{}", ids[round])).await;
                assert!([200, 409].contains(&cancelled.status.as_u16()), "{}", cancelled.body);
            }
            tokio::task::yield_now().await;
            let least = FIRST_STOCK + added.load(Ordering::SeqCst);
            let (available, reserved) = shop.level("BUSY").await;
            let most = FIRST_STOCK + adding.load(Ordering::SeqCst);
            assert!(available >= 0 && reserved >= 0, "{available} and {reserved}");
            assert!((least..=most).contains(&(available + reserved)), "{available} and {reserved}");
        }
        ids
    };
    let ids = join_all((0..20).map(|_| client())).await.concat();
    shop.wait_until_idle().await;
    let (available, reserved) = shop.level("BUSY").await;
    assert_eq!(available + reserved, FIRST_STOCK + added.into_inner());
    let orders = join_all(ids.iter().map(|id| shop.order(id))).await;
    let confirmed = orders.iter().filter(|order| order["status"] == "confirmed").count();
    assert_eq!(reserved, 2 * i64::try_from(confirmed).unwrap_or(i64::MAX));
}
