//! The HTTP routes.

use orderflow_domain::{ChannelKind, OrderId};
use orderflow_notifications::{Template, message_id};
use serde_json::{Value, json};

use crate::harness::NotificationsHarness;
use crate::outcomes::{EMAIL, PHONE, cancelled, confirmed, refunded};

async fn list(notifications: &NotificationsHarness, order: OrderId) -> (u16, Value) {
    notifications.client.get(&format!("/api/v1/notifications?order_id={order}")).await
}

#[tokio::test]
async fn the_notifications_of_an_order_are_listed() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    notifications.deliver(&[confirmed(order)]).await;
    let (status, body) = list(&notifications, order).await;
    assert_eq!(status, 200);
    let found = body["notifications"].as_array().unwrap();
    let id = message_id(order, Template::OrderConfirmation, ChannelKind::Email);
    assert_eq!(
        found[0],
        json!({
            "id": id,
            "channel": "email",
            "recipient": EMAIL,
            "template": "order_confirmation",
            "subject": format!("Your order {order} is confirmed"),
            "status": "sent",
            "created_at": found[0]["created_at"].as_str().unwrap(),
            "sent_at": found[0]["sent_at"].as_str().unwrap(),
        })
    );
    assert_eq!(found[1]["channel"], "sms");
    assert_eq!(found[1]["recipient"], PHONE);
    assert_eq!(found[1]["subject"], Value::Null);
}

#[tokio::test]
async fn notifications_are_listed_oldest_first() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    notifications.deliver(&[refunded(order, Some(EMAIL))]).await;
    // Waits for a later millisecond.
    let (_, body) = list(&notifications, order).await;
    let first_at = body["notifications"][0]["created_at"].clone();
    while json!(orderflow_domain::Timestamp::now()) == first_at {
        std::hint::spin_loop();
    }
    notifications.deliver(&[cancelled(order, "customer")]).await;
    let (_, body) = list(&notifications, order).await;
    let templates: Vec<_> = body["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["template"].as_str().unwrap())
        .collect();
    assert_eq!(templates, ["order_refunded", "order_refunded", "order_cancelled", "order_cancelled"]);
}

#[tokio::test]
async fn an_unknown_order_has_no_notifications_and_a_missing_order_is_refused() {
    let notifications = NotificationsHarness::open().await;
    let (status, body) = list(&notifications, OrderId::generate()).await;
    assert_eq!((status, body), (200, json!({"notifications": []})));
    for query in ["", "?order_id=", "?order_id=42"] {
        let (status, body) = notifications.client.get(&format!("/api/v1/notifications{query}")).await;
        assert_eq!(status, 422, "{query}");
        assert_eq!(body["errors"][0]["field"], "order_id", "{query}");
    }
}
