//! The bundle that a schedule triggers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Api;
use crate::facts::{order_body, product_body};
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(60);

/// Returns the scheduled event of EventBridge.
pub(crate) fn scheduled_event() -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-11-20T12:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/orderflow-order-expiry"],
        "detail": {}
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_stays_open_is_cancelled_after_its_time_limit() {
    let world = World::open().await;
    let shop = Api(world.start("shop-api").await);
    let intake = Api(world.start("order-intake").await);
    let expiry = world.start_with("order-expiry", &[("ORDER_EXPIRES_AFTER", "2s")]).await;
    shop.post("/api/v1/products", &product_body("MUG", 5)).await.expect(201);
    let order = intake.post("/api/v1/orders", &order_body("MUG", 2)).await.expect(202);
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());

    let started = Instant::now();
    loop {
        assert_eq!(expiry.invoke(&scheduled_event()).await.unwrap(), Value::Null);
        let order = intake.get(&path).await.expect(200);
        if order["status"] == "cancelled" {
            assert_eq!(order["reason"], "expired");
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{order}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(expiry.invoke(&scheduled_event()).await.unwrap(), Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_limit_that_is_not_a_duration_is_named() {
    let world = World::open().await;
    let expiry = world.start_with("order-expiry", &[("ORDER_RESEND_AFTER", "soon")]).await;
    assert!(expiry.invoke(&scheduled_event()).await.is_err());
    let output = expiry.output();
    assert!(output.contains("ORDER_RESEND_AFTER") && output.contains("soon"), "{output}");
}
