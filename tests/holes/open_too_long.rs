//! Orders that stay undecided for too long, and concurrent sweeps.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use orderflow_domain::Timestamp;
use orderflow_engine::Location;
use orderflow_orders::ExpirySettings;
use orderflow_system::Settings;
use orderflow_tests::{Answer, LiveSystem, order_body};
use serde_json::{Value, json};

use crate::support::{TestShop, assert_confirmed, faults, is_settled, open, work};

const MINUTE: Duration = Duration::from_secs(60);

/// The longest time to wait for a condition.
const PATIENCE: Duration = Duration::from_secs(60);

async fn expire(shop: &TestShop) {
    let swept = shop.mode.system.sweep(Timestamp::now().plus(31 * MINUTE)).await.unwrap();
    assert_eq!((swept.resent, swept.expired), (0, 1));
}

#[tokio::test]
async fn an_order_that_is_never_charged_expires_and_its_stock_is_released() {
    let mut shop = open().await;
    faults(&shop, "ok", &["payment"]).await;
    let id = shop.place(&order_body("PRODUCT-001", 2)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.level("PRODUCT-001").await, (98, 2));
    expire(&shop).await;
    faults(&shop, "ok", &[]).await;
    shop.wait_until_idle().await;
    let order = shop.order(&id).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("cancelled"), &json!("expired")));
    assert!(is_settled(&shop, &id).await);
    assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
    assert_ne!(shop.payment(&id).await.as_deref(), Some("completed"));
    assert_eq!(shop.notifications(&id).await.iter().filter(|name| name.contains("cancelled")).count(), 1);
}

#[tokio::test]
async fn a_charged_order_that_expires_is_refunded() {
    let mut shop = open().await;
    faults(&shop, "ok", &["order-tracker"]).await;
    let id = shop.place(&order_body("PRODUCT-001", 2)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.payment(&id).await.as_deref(), Some("completed"));
    expire(&shop).await;
    faults(&shop, "ok", &[]).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&id).await["reason"], "expired");
    assert!(is_settled(&shop, &id).await);
    assert_eq!(shop.payment(&id).await.as_deref(), Some("refunded"));
    assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
    assert_eq!(shop.notifications(&id).await, ["order_cancelled email", "order_refunded email"]);
}

#[tokio::test]
async fn concurrent_sweeps_change_no_outcome() {
    // A sweep before one round may overtake the event of that round; the last case sweeps before every round.
    for swept_before in (0..8).map(Some).chain([None]) {
        let mut shop = open().await;
        let confirmed = shop.place(&order_body("PRODUCT-001", 1)).await;
        let short = shop.place(&order_body("TSHIRT-GRY-S", 11)).await;
        let mut body = order_body("TSHIRT-GRY-S", 3);
        body["payment_token"] = json!("tok_declined");
        let declined = shop.place(&body).await;
        let start = Timestamp::now();
        for round in 0..8 {
            if swept_before.is_none_or(|before| before == round) {
                let swept = shop.mode.system.sweep(start.plus((3 + round) * MINUTE)).await.unwrap();
                assert_eq!(swept.expired, 0);
            }
            work(&mut shop, 1).await;
        }
        shop.wait_until_idle().await;
        assert_confirmed(&shop, &confirmed).await;
        for (id, reason) in [(&short, "out_of_stock"), (&declined, "payment_declined")] {
            assert_eq!(shop.order(id).await["reason"], reason);
            assert_eq!(shop.notifications(id).await, [format!("order_{reason} email")]);
            assert!(is_settled(&shop, id).await);
        }
        assert_eq!(shop.level("PRODUCT-001").await, (99, 1));
        assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
    }
}

/// Sends a request with a body.
async fn send(system: &LiveSystem, method: &str, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    system.call(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_system_sweeps_periodically() {
    let expiry = ExpirySettings {
        resend_after: Duration::from_millis(200),
        expires_after: Duration::from_millis(600),
    };
    let settings = Settings { expiry, ..Settings::new(Location::Memory) };
    let system = LiveSystem::start(settings).await.unwrap();
    send(&system, "PUT", "/api/v1/admin/faults", &json!({"stopped": ["payment"]})).await.expect(200);
    let placed = send(&system, "POST", "/api/v1/orders", &order_body("PRODUCT-001", 1)).await.expect(202);
    let path = format!("/api/v1/orders/{}", placed.body["id"].as_str().unwrap());
    let started = Instant::now();
    loop {
        let order = send(&system, "GET", &path, &Value::Null).await.expect(200).body;
        if order["reason"] == "expired" {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{order}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let health = send(&system, "GET", "/health", &Value::Null).await.expect(200).body;
    assert_eq!(health["services"]["order-expiry"], "up");
}
