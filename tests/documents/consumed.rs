//! Consumers work through the events of other versions: those recorded of the last release, and those of a version that adds fields.

use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_tests::{EmbeddedMode, TestApp, order_body};
use serde_json::{Value, json};

use crate::compatible::{current, extend, released};

type Shop = TestApp<EmbeddedMode>;

/// Returns the recorded event of a type, as one of this order.
fn recorded(document: &Value, event_type: &str, order: &Value) -> Value {
    let mut event = document["components"]["messages"][event_type]["examples"][0]["payload"].clone();
    assert_eq!(event["type"], event_type);
    let data = event["data"].as_object_mut().unwrap();
    if data.contains_key("order_id") {
        data["order_id"] = order["id"].clone();
        for field in ["items", "total", "customer_id", "email"] {
            let Some(value) = data.get_mut(field) else { continue };
            match (value, &order[field]) {
                // Lines keep the fields of their version.
                (Value::Array(lines), Value::Array(_)) => {
                    lines.truncate(1);
                    for line in lines {
                        line["sku"] = order["items"][0]["sku"].clone();
                        line["quantity"] = order["items"][0]["quantity"].clone();
                    }
                }
                (_, Value::Null) => {}
                (value, of_order) => *value = of_order.clone(),
            }
        }
        event["subject"] = order["id"].clone();
    }
    event
}

/// Delivers an event to each consumer that subscribes to it, and checks that all acknowledge it.
async fn publish(shop: &Shop, event: &Value) {
    let attributes = json!({"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "0"});
    let record = json!({"messageId": "1", "body": event.to_string(), "eventSource": "orderflow:test", "attributes": attributes});
    let payload = json!({"Records": [record]}).to_string().into_bytes();
    let event_type = event["type"].as_str().unwrap().parse().unwrap();
    for row in SUBSCRIPTIONS.iter().filter(|row| row.types.contains(&event_type)) {
        let answer = shop.mode.system.target(row.consumer).unwrap().invoke(payload.clone()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}), "{}: {event}", row.consumer);
    }
}

/// Confirms one order and refuses another by nothing but these events, then publishes each other event once.
async fn work_through(document: &Value, change: fn(&mut Value)) {
    let mut shop: Shop = TestApp::open().await;
    let confirmed = shop.place(&order_body("PRODUCT-001", 2)).await;
    let refused = shop.place(&order_body("PRODUCT-002", 1)).await;
    let flows: [(&String, &[&str]); 2] = [
        (&confirmed, &["order.placed", "inventory.reserved", "payment.completed", "order.confirmed"]),
        (
            &refused,
            &["order.placed", "inventory.reserved", "payment.failed", "order.rejected", "inventory.released"],
        ),
    ];
    for (id, events) in flows {
        let order = shop.order(id).await;
        for event_type in events {
            let mut event = recorded(document, event_type, &order);
            change(&mut event);
            publish(&shop, &event).await;
        }
    }
    assert_eq!(shop.order(&confirmed).await["status"], "confirmed");
    assert_eq!(shop.order(&refused).await["status"], "rejected");
    assert_eq!(shop.payment(&confirmed).await.as_deref(), Some("completed"));
    assert_eq!(shop.level("PRODUCT-001").await, (98, 2));
    assert_eq!(shop.level("PRODUCT-002").await, (500, 0));
    assert_eq!(shop.notifications(&confirmed).await, ["order_confirmation email"]);
    let order = shop.order(&confirmed).await;
    for event_type in document["components"]["messages"].as_object().unwrap().keys() {
        let mut event = recorded(document, event_type, &order);
        change(&mut event);
        publish(&shop, &event).await;
    }
    // The events of this version are repeats of those.
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&confirmed).await["status"], "confirmed");
    assert_eq!(shop.level("PRODUCT-002").await, (500, 0));
}

#[tokio::test]
async fn consumers_work_through_the_events_of_the_last_release() {
    work_through(&released(), |_| {}).await;
}

#[tokio::test]
async fn consumers_work_through_the_events_of_a_later_version() {
    work_through(&current(), extend).await;
}
