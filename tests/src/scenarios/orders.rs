//! The outcomes of orders.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{Mode, ModeSettings, TestApp, order_body};

/// An order is placed, reserved, paid and confirmed, and its customer gets a message.
pub async fn confirmed<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let answer = shop.post("/api/v1/orders", &order_body("tshirt-blk-m", 2)).await.expect(202);
    let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.header("location"), format!("/api/v1/orders/{id}"));
    assert_eq!(answer.body["status"], "pending");
    assert_eq!(answer.body["total"], json!({"amount": 3998, "currency": "USD"}));
    assert_eq!(answer.body["items"][0]["sku"], "TSHIRT-BLK-M");
    assert_eq!(answer.body["items"][0]["unit_price"], 1999);
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&id).await["status"], "confirmed");
    assert_eq!(shop.level("TSHIRT-BLK-M").await, (98, 2));
    assert_eq!(shop.payment(&id).await.as_deref(), Some("completed"));
    assert_eq!(shop.notifications(&id).await, ["order_confirmation email"]);
}

/// An order of more than the stock reserves nothing and is not charged.
pub async fn out_of_stock<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let id = shop.place(&order_body("TSHIRT-GRY-S", 999)).await;
    shop.wait_until_idle().await;
    let order = shop.order(&id).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("rejected"), &json!("out_of_stock")));
    assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
    assert_eq!(shop.payment(&id).await.as_deref(), Some("voided"));
    assert_eq!(shop.notifications(&id).await, ["order_out_of_stock email"]);
}

/// A declined charge releases the stock.
pub async fn declined<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open_with(ModeSettings { payment_success_rate: 0.0 }).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(shop.place(&order_body("TSHIRT-BLK-M", 3)).await);
    }
    shop.wait_until_idle().await;
    for id in ids {
        let order = shop.order(&id).await;
        assert_eq!((&order["status"], &order["reason"]), (&json!("rejected"), &json!("payment_declined")));
        assert_eq!(shop.payment(&id).await.as_deref(), Some("failed"));
        assert_eq!(shop.notifications(&id).await, ["order_payment_declined email"]);
    }
    assert_eq!(shop.level("TSHIRT-BLK-M").await, (100, 0));
}

/// A charge whose response is lost is made once, and the order is confirmed. A declined token declines the order.
pub async fn lost_answer<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let with_token = |token: &str| {
        let mut body = order_body("PRODUCT-002", 1);
        body["payment_token"] = json!(token);
        body
    };
    let lost = shop.place(&with_token("tok_timeout")).await;
    let declined = shop.place(&with_token("tok_declined")).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&lost).await["status"], "confirmed");
    assert_eq!(shop.payment(&lost).await.as_deref(), Some("completed"));
    assert_eq!(shop.order(&declined).await["reason"], "payment_declined");
    assert_eq!(shop.level("PRODUCT-002").await, (499, 1));
}

/// A pending order is cancelled: nothing stays reserved or charged, and cancelling again is not an error.
pub async fn cancelled_while_pending<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let id = shop.place(&order_body("PRODUCT-001", 1)).await;
    let path = format!("/api/v1/orders/{id}");
    let cancelled = shop.delete(&path).await.expect(200);
    assert_eq!(
        (&cancelled.body["status"], &cancelled.body["reason"]),
        (&json!("cancelled"), &json!("customer"))
    );
    shop.wait_until_idle().await;
    shop.delete(&path).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&id).await["status"], "cancelled");
    assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
    assert_ne!(shop.payment(&id).await.as_deref(), Some("completed"));
    let told = shop.notifications(&id).await;
    assert!(told.contains(&"order_cancelled email".to_owned()), "{told:?}");
}

/// A confirmed order cannot be cancelled.
pub async fn cancelled_after_confirmation<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let id = shop.place(&order_body("PRODUCT-001", 1)).await;
    shop.wait_until_idle().await;
    shop.delete(&format!("/api/v1/orders/{id}")).await.expect_problem(409, "order-not-cancellable");
    assert_eq!(shop.order(&id).await["status"], "confirmed");
    shop.delete("/api/v1/orders/0190163d-8694-739b-aea5-966c26f8ad91").await.expect_problem(404, "not-found");
}

fn ids(list: &Value) -> Vec<String> {
    let orders = list["orders"].as_array().cloned().unwrap_or_default();
    orders.iter().filter_map(|order| order["id"].as_str()).map(str::to_owned).collect()
}

/// Orders are listed newest first, by each filter and by combinations of filters, in pages.
pub async fn listed<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let mut placed = Vec::new();
    for number in 0..7 {
        let mut body = order_body(if number % 2 == 0 { "PRODUCT-001" } else { "PRODUCT-002" }, 1);
        body["customer_id"] = json!(if number < 4 { "alice" } else { "bob" });
        if number == 6 {
            body["items"] =
                json!([{"sku": "PRODUCT-003", "quantity": 1}, {"sku": "PRODUCT-002", "quantity": 9999}]);
        }
        placed.push(shop.place(&body).await);
    }
    shop.wait_until_idle().await;
    placed.reverse();
    let pick = |numbers: &[usize]| numbers.iter().map(|n| placed[6 - n].clone()).collect::<Vec<_>>();
    for (query, expected) in [
        ("", pick(&[6, 5, 4, 3, 2, 1, 0])),
        ("?customer_id=alice", pick(&[3, 2, 1, 0])),
        ("?status=rejected", pick(&[6])),
        ("?status=pending", pick(&[])),
        ("?sku=product-002", pick(&[6, 5, 3, 1])),
        ("?sku=PRODUCT-003", pick(&[6])),
        ("?customer_id=bob&status=confirmed", pick(&[5, 4])),
        ("?customer_id=bob&status=confirmed&sku=PRODUCT-001", pick(&[4])),
        ("?customer_id=carol", pick(&[])),
    ] {
        let list = shop.get(&format!("/api/v1/orders{query}")).await.expect(200).body;
        assert_eq!(ids(&list), expected, "{query}");
        assert_eq!(list["next_cursor"], Value::Null);
    }
    let mut paged = Vec::new();
    let mut path = "/api/v1/orders?limit=3".to_owned();
    loop {
        let list = shop.get(&path).await.expect(200).body;
        paged.extend(ids(&list));
        // A new order between two pages does not shift the remaining ones.
        shop.place(&order_body("PRODUCT-001", 1)).await;
        match list["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/orders?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, placed);
}

/// The timeline lists the events of an order, oldest first.
pub async fn timeline<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = shop
        .post_with("/api/v1/orders", &[("traceparent", traceparent)], &order_body("PRODUCT-001", 1))
        .await;
    let id = answer.expect(202).body["id"].as_str().unwrap_or_default().to_owned();
    shop.wait_until_idle().await;
    let body = shop.get(&format!("/api/v1/orders/{id}/events")).await.expect(200).body;
    let events = body["events"].as_array().cloned().unwrap_or_default();
    let types: Vec<_> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(types, ["order.placed", "inventory.reserved", "payment.completed", "order.confirmed"]);
    for event in &events {
        assert_eq!(event["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{event}");
        assert!(event["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{event}");
        let is_own = event["type"].as_str().is_some_and(|name| name.starts_with("order."));
        assert_eq!(event["attempt"].as_u64() >= Some(1), !is_own, "{event}");
    }
}

/// An order is cancelled after it was reserved and paid, but before order-tracker got these events: the timeline is in order of time, and
/// reservation and charge are undone.
pub async fn timeline_of_a_late_cancellation<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    shop.put("/api/v1/admin/faults", &json!({"stopped": ["order-tracker"]})).await.expect(200);
    let id = shop.place(&order_body("PRODUCT-001", 1)).await;
    shop.wait_until_idle().await;
    shop.delete(&format!("/api/v1/orders/{id}")).await.expect(200);
    shop.put("/api/v1/admin/faults", &json!({"stopped": []})).await.expect(200);
    shop.wait_until_idle().await;
    let body = shop.get(&format!("/api/v1/orders/{id}/events")).await.expect(200).body;
    let events = body["events"].as_array().cloned().unwrap_or_default();
    let times: Vec<_> = events.iter().filter_map(|event| event["time"].as_str()).collect();
    assert!(times.is_sorted(), "{body}");
    assert_eq!(shop.payment(&id).await.as_deref(), Some("refunded"));
    assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
    assert_eq!(shop.notifications(&id).await, ["order_cancelled email", "order_refunded email"]);
}

/// The timeline of an order out of stock names each missing SKU with the requested and the available units.
pub async fn timeline_of_an_order_out_of_stock<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let lines = [("PRODUCT-001", 1), ("PRODUCT-002", 501), ("TSHIRT-GRY-S", 11)];
    let mut body = order_body("PRODUCT-001", 1);
    body["items"] = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
    let id = shop.place(&body).await;
    shop.wait_until_idle().await;
    let body = shop.get(&format!("/api/v1/orders/{id}/events")).await.expect(200).body;
    let events = body["events"].as_array().cloned().unwrap_or_default();
    let detail = |name: &str| events.iter().find(|event| event["type"] == name).map(|event| &event["detail"]);
    let shortages = "PRODUCT-002: requested 501, available 500; TSHIRT-GRY-S: requested 11, available 10";
    assert_eq!(detail("inventory.rejected"), Some(&json!(shortages)), "{body}");
    assert_eq!(detail("order.rejected"), Some(&json!("out_of_stock")), "{body}");
}

/// An unchanged order is not sent again (304).
pub async fn conditional_get<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let id = shop.place(&order_body("PRODUCT-001", 1)).await;
    let path = format!("/api/v1/orders/{id}");
    let etag = shop.get(&path).await.expect(200).header("etag").to_owned();
    for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        shop.send("GET", &path, &[("if-none-match", &known)], Body::empty()).await.expect(304);
    }
    shop.wait_until_idle().await;
    let changed = shop.send("GET", &path, &[("if-none-match", &etag)], Body::empty()).await.expect(200);
    assert_ne!(changed.header("etag"), etag);
}

/// An order is reserved as a whole or not at all.
pub async fn several_skus<M: Mode>() {
    let mut shop: TestApp<M> = TestApp::open().await;
    let order = |grey: i64| {
        json!({"customer_id": "C1", "email": "c@example.com", "phone": "+49 30 1234567", "items": [
            {"sku": "PRODUCT-001", "quantity": 2}, {"sku": "TSHIRT-GRY-S", "quantity": grey}]})
    };
    let (good, bad) = (shop.place(&order(10)).await, shop.place(&order(1)).await);
    shop.wait_until_idle().await;
    let statuses = [shop.order(&good).await["status"].clone(), shop.order(&bad).await["status"].clone()];
    assert_eq!(statuses.iter().filter(|status| **status == "confirmed").count(), 1, "{statuses:?}");
    let told = shop.notifications(&good).await;
    assert_eq!(told.len(), 2, "e-mail and short message: {told:?}");
    let (laptops, greys) = (shop.level("PRODUCT-001").await, shop.level("TSHIRT-GRY-S").await);
    assert_eq!(laptops, (98, 2));
    assert_eq!(greys.0 + greys.1, 10);
}
