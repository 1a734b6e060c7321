//! The endpoints for operators.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Mode, TestApp, order_body};

/// Longer than the second for which answers of analytics are cached.
const CACHE_EXPIRY: Duration = Duration::from_secs(30);

/// The health check lists each dependency.
pub async fn health<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    let body = shop.get("/health").await.expect(200).body;
    assert_eq!(body["status"], "healthy");
    assert_eq!(body["services"]["store"], "up");
    assert_eq!(body["services"]["broker"], "up");
    assert!(body["timestamp"].is_string());
    shop.get("/api/v1/nothing").await.expect_problem(404, "not-found");
    let wrong_method = shop.delete("/api/v1/orders").await.expect(405);
    assert!(wrong_method.header("allow").contains("POST"));
}

/// Faults can be switched on and off. Messages of a stopped consumer stay in its queue.
pub async fn faults<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let path = "/api/v1/admin/faults";
    assert_eq!(shop.get(path).await.expect(200).body, json!({"payment": "ok", "stopped": []}));
    shop.put(path, &json!({"stopped": ["payment"]})).await.expect(200);
    let waiting = shop.place(&order_body("PRODUCT-001", 1)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&waiting).await["status"], "reserved");
    shop.put(path, &json!({"payment": "decline"})).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&waiting).await["reason"], "payment_declined");
    shop.put(path, &json!({"payment": "ok", "stopped": []})).await.expect(200);
    shop.put(path, &json!({"stopped": ["unknown"]})).await.expect_problem(422, "invalid-request");
    shop.put(path, &json!({"payment": "odd"})).await.expect_problem(422, "invalid-request");
}

/// The listing of messages, without their text.
pub async fn notifications<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let mut body = order_body("PRODUCT-001", 1);
    body["phone"] = json!("+49 30 1234567");
    let id = shop.place(&body).await;
    shop.wait_until_idle().await;
    let list = shop.get(&format!("/api/v1/notifications?order_id={id}")).await.expect(200).body;
    let sent = list["notifications"].as_array().cloned().unwrap_or_default();
    assert_eq!(sent.len(), 2);
    for message in &sent {
        assert_eq!(
            (&message["template"], &message["status"]),
            (&json!("order_confirmation"), &json!("sent"))
        );
        assert!(message["id"].is_string() && message["created_at"].is_string(), "{message}");
    }
    let recipients: Vec<&Value> = sent.iter().map(|message| &message["recipient"]).collect();
    assert!(recipients.contains(&&json!("c100@example.com")) && recipients.contains(&&json!("+49301234567")));
    shop.get("/api/v1/notifications")
        .await
        .expect_problem(422, "invalid-request")
        .expect_fields(&["order_id"]);
}

/// A requested message is sent once, even if the request is repeated with its key.
pub async fn requested_notification<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let mut body = json!({"channel": "email", "recipient": "user@example.com", "template": "order_confirmation",
        "variables": {"orderId": "123", "total": "999.99"}});
    let key = [("idempotency-key", "k-1")];
    let path = "/api/v1/notifications";
    let accepted = shop.post_with(path, &key, &body).await.expect(202);
    let location = accepted.header("location").to_owned();
    assert_eq!(location, format!("{path}/{}", accepted.body["id"].as_str().unwrap_or_default()));
    shop.wait_until_idle().await;
    let sent = shop.get(&location).await.expect(200).body;
    assert_eq!((&sent["status"], &sent["subject"]), (&json!("sent"), &json!("Your order 123 is confirmed")));
    assert_eq!(shop.post_with(path, &key, &body).await.expect(202).body, accepted.body);
    shop.wait_until_idle().await;
    assert_eq!(shop.get(&location).await.expect(200).body, sent);

    body["variables"] = json!({"orderId": "123"});
    let answer = shop.post(path, &body).await;
    answer.expect_problem(422, "variables-not-suitable").expect_fields(&["variables.total"]);
    body["template"] = json!("unknown");
    let answer = shop.post(path, &body).await;
    answer.expect_problem(422, "unknown-template").expect_fields(&["template"]);
    body["channel"] = json!("sms");
    let answer = shop.post(path, &body).await;
    answer.expect_problem(422, "invalid-request").expect_fields(&["recipient"]);
    let templates = shop.get("/api/v1/templates").await.expect(200).body;
    assert_eq!(templates["templates"].as_array().map(Vec::len), Some(10));
}

/// The summary and the series of analytics.
pub async fn analytics<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    shop.place(&order_body("PRODUCT-002", 3)).await;
    shop.place(&order_body("TSHIRT-GRY-S", 11)).await;
    shop.wait_until_idle().await;
    let deadline = Instant::now() + CACHE_EXPIRY;
    let mut summary = Value::Null;
    while summary["total_orders"] != 2 || summary["by_status"]["pending"] != 0 {
        assert!(Instant::now() < deadline, "the summary stays {summary}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        summary = shop.get("/api/v1/analytics/summary").await.expect(200).body;
    }
    let by_status = json!({"pending": 0, "confirmed": 1, "rejected": 1, "cancelled": 0});
    assert_eq!(summary["by_status"], by_status);
    assert_eq!(summary["revenue"], json!({"amount": 7_500, "currency": "USD"}));
    assert_eq!(summary["top_skus"], json!([{"sku": "PRODUCT-002", "quantity": 3}]));
    assert!(summary["last_updated"].is_string());

    let series = shop.get("/api/v1/analytics/series?bucket=day").await.expect(200).body;
    let points = series["series"].as_array().cloned().unwrap_or_default();
    let sum = |name: &str| points.iter().filter_map(|point| point[name].as_i64()).sum::<i64>();
    assert_eq!((points.len(), sum("orders"), sum("confirmed")), (30, 2, 1));
    let bad = shop.get("/api/v1/analytics/series?bucket=week").await;
    bad.expect_problem(422, "invalid-request").expect_fields(&["bucket"]);
    for span in ["from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2001-01-01T00:00:00Z"] {
        let answer = shop.get(&format!("/api/v1/analytics/series?bucket=hour&{span}")).await;
        answer.expect_problem(422, "invalid-range").expect_fields(&["from"]);
    }
}
