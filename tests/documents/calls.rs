//! Calls each operation; [`TestApp`] checks every response against the OpenAPI document.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use orderflow_engine::Location;
use orderflow_notifications::{Channel, ChannelError, Message, Turn};
use orderflow_system::Settings;
use orderflow_tests::described::{operation_of, operations};
use orderflow_tests::{Answer, EmbeddedMode, Mode, ModeSettings, TestApp, order_body};
use serde_json::json;

/// A channel that refuses every message, so that dead letters exist.
struct Refusing;

#[async_trait]
impl Channel for Refusing {
    async fn send(&self, _: &Message, _: &mut Turn) -> Result<(), ChannelError> {
        Err(ChannelError::Refused("unknown recipient".to_owned()))
    }
}

/// A system that records the operations that succeeded.
struct Recording {
    inner: EmbeddedMode,
    succeeded: Mutex<BTreeSet<String>>,
}

impl Mode for Recording {
    async fn start(_: ModeSettings) -> Self {
        let settings = Settings { channel: Arc::new(Refusing), ..Settings::new(Location::Memory) };
        let inner = EmbeddedMode::open(settings).await.unwrap();
        Self { inner, succeeded: Mutex::default() }
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        let operation = operation_of(request.method(), request.uri().path());
        let answer = self.inner.call(request).await;
        if let Some(operation) = operation.filter(|_| answer.status.is_success()) {
            self.succeeded.lock().unwrap().insert(operation.id().to_owned());
        }
        answer
    }

    async fn wait_until_idle(&mut self) {
        self.inner.wait_until_idle().await;
    }
}

#[tokio::test]
async fn every_operation_responds_as_described() {
    let mut shop: TestApp<Recording> = TestApp::open().await;
    call_shop(&mut shop).await;
    call_catalog(&shop).await;
    call_messages(&shop).await;
    call_admin(&mut shop).await;
    call_customers(&shop).await;
    for path in
        ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json", "/docs"]
    {
        shop.get(path).await.expect(200);
    }
    let succeeded = shop.mode.succeeded.into_inner().unwrap();
    let described: BTreeSet<String> = operations().map(|(.., operation)| operation.id().to_owned()).collect();
    assert_eq!(succeeded, described, "add a call for each new operation");
}

async fn call_shop(shop: &mut TestApp<Recording>) {
    let confirmed = shop.place(&order_body("tshirt-blk-m", 2)).await;
    let cancelled = shop.place(&order_body("PRODUCT-001", 1)).await;
    shop.send("POST", &format!("/api/v1/orders/{cancelled}/resend"), &[], Body::empty()).await.expect(202);
    shop.delete(&format!("/api/v1/orders/{cancelled}")).await.expect(200);
    shop.wait_until_idle().await;
    shop.get("/api/v1/orders?customer_id=C100&status=confirmed&sku=tshirt-blk-m&limit=5").await.expect(200);
    shop.get(&format!("/api/v1/orders/{confirmed}")).await.expect(200);
    shop.get(&format!("/api/v1/orders/{confirmed}/events")).await.expect(200);
    shop.get(&format!("/api/v1/payments?order_id={confirmed}")).await.expect(200);
    shop.get("/api/v1/payments?status=refund_failed&limit=5").await.expect(200);
    shop.send("POST", &format!("/api/v1/payments/{cancelled}/refund"), &[], Body::empty()).await.expect(200);
    let not_refunded = format!("/api/v1/payments/{confirmed}/refund");
    shop.send("POST", &not_refunded, &[], Body::empty()).await.expect_problem(409, "payment-not-refundable");
    shop.get(&format!("/api/v1/notifications?order_id={confirmed}")).await.expect(200);
    shop.get("/api/v1/analytics/summary").await.expect(200);
    let span = "from=2026-01-31T12:00:00Z&to=2026-01-31T13:00:00Z";
    shop.get(&format!("/api/v1/analytics/series?bucket=minute&{span}")).await.expect(200);
}

async fn call_catalog(shop: &TestApp<Recording>) {
    shop.sell("MUG", 20).await;
    shop.get("/api/v1/products?limit=2").await.expect(200);
    shop.get("/api/v1/products/MUG").await.expect(200);
    let cheaper = json!({"price": {"amount": 890, "currency": "USD"}});
    shop.patch("/api/v1/products/MUG", &cheaper).await.expect(200);
    shop.get("/api/v1/inventory?limit=2").await.expect(200);
    shop.get("/api/v1/inventory/MUG").await.expect(200);
    shop.post_with("/api/v1/inventory/MUG", &[("idempotency-key", "k-1")], &json!({"adjust": -3}))
        .await
        .expect(200);
    shop.delete("/api/v1/products/MUG").await.expect(204);
    shop.post("/api/v1/admin/cache/warmup", &json!({"skus": ["TSHIRT-BLK-M"]})).await.expect(200);
    shop.send("POST", "/api/v1/admin/cache/warmup", &[], Body::empty()).await.expect(200);
}

async fn call_messages(shop: &TestApp<Recording>) {
    let message = json!({"channel": "sms", "recipient": "+49301234567", "template": "order_refunded",
        "variables": {"orderId": "1", "total": "2"}});
    let accepted = shop.post("/api/v1/notifications", &message).await.expect(202);
    shop.get(accepted.header("location")).await.expect(200);
    shop.get("/api/v1/templates").await.expect(200);
}

async fn call_admin(shop: &mut TestApp<Recording>) {
    shop.get("/api/v1/admin/queues").await.expect(200);
    shop.get("/api/v1/live").await.expect(200);
    shop.get("/api/v1/admin/consumers").await.expect(200);
    shop.put("/api/v1/admin/consumers/analytics", &json!({"paused": true})).await.expect(200);
    shop.put("/api/v1/admin/consumers/analytics", &json!({"paused": false})).await.expect(200);
    let letters = "/api/v1/admin/dead-letters";
    let all = shop.get(letters).await.expect(200).body;
    let letter = &all["dead_letters"][0];
    assert_eq!(letter["code"], "message-refused", "{all}");
    let of_consumer = format!("{letters}/notification");
    shop.get(&of_consumer).await.expect(200);
    let one = format!("{of_consumer}/{}", letter["id"].as_str().unwrap());
    shop.get(&one).await.expect(200);
    shop.put(&one, &letter["event"]).await.expect(200);
    shop.delete(&one).await.expect(204);
    shop.post(&format!("{of_consumer}/replay"), &json!({"code": "message-refused"})).await.expect(200);
    shop.delete(&format!("{of_consumer}?code=message-refused")).await.expect(200);
    shop.get("/api/v1/admin/faults").await.expect(200);
    shop.put("/api/v1/admin/faults", &json!({"payment": "ok", "stopped": ["payment"]})).await.expect(200);
}

async fn call_customers(shop: &TestApp<Recording>) {
    let customer = "/api/v1/customers/C100";
    let page = shop.get(customer).await.expect(200).body;
    assert!(page["orders"].as_array().is_some_and(|orders| !orders.is_empty()), "{page}");
    shop.get(&format!("{customer}?cursor=x")).await.expect_problem(422, "invalid-cursor");
    let mut path = customer.to_owned();
    loop {
        let done = shop.delete(&path).await.expect(200).body;
        let Some(cursor) = done["next_cursor"].as_str() else { break };
        path = format!("{customer}?cursor={cursor}");
    }
    let customer = "/api/v1/customers?customer_id=C100";
    shop.delete(customer).await.expect(200);
    let page = shop.get(customer).await.expect(200).body;
    assert_eq!(page["orders"][0]["email"], "forgotten@customer.invalid");
}

#[tokio::test]
#[should_panic(expected = r#"["verbose"] are not described"#)]
async fn an_undescribed_query_parameter_fails_the_check() {
    let shop: TestApp<EmbeddedMode> = TestApp::open().await;
    shop.get("/health?verbose=true").await;
}
