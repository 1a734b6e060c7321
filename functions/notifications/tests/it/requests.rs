//! Messages that are requested through the API.

use std::sync::Arc;

use axum::http::Request;
use orderflow_domain::{Event, EventData, EventType, OrderId};
use orderflow_messaging::Outcome;
use orderflow_notifications::{EVENT_SOURCE, NOTIFICATIONS};
use orderflow_store::{OUTBOX, Outbox};
use orderflow_testing::service::with_json;
use serde_json::{Map, Value, json};

use crate::harness::{NotificationsHarness, records_fail};
use crate::outcomes::{ended, event};

fn body() -> Value {
    json!({
        "channel": "email",
        "recipient": "user@example.com",
        "template": "order_confirmation",
        "variables": {"orderId": "123", "total": "999.99"},
    })
}

/// Returns the body with another value at a JSON pointer; `None` removes the member.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut changed = body();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = changed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    changed
}

async fn post(notifications: &NotificationsHarness, key: Option<&str>, body: &Value) -> (u16, Value) {
    let request = Request::post("/api/v1/notifications");
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    notifications.client.send(with_json(request, body)).await
}

async fn request(notifications: &NotificationsHarness, key: Option<&str>, body: &Value) -> String {
    let (status, answer) = post(notifications, key, body).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn read(notifications: &NotificationsHarness, id: &str) -> (u16, Value) {
    notifications.client.get(&format!("/api/v1/notifications/{id}")).await
}

/// Builds the event that the row of a request emits, as the relay does.
async fn event_of(notifications: &NotificationsHarness, id: &str) -> Option<Event> {
    let table = notifications.service.store.table(&NOTIFICATIONS);
    let rows: Vec<Map<String, Value>> = table.get_collection(id).await.unwrap();
    let [row] = &rows[..] else { panic!("not one row: {rows:?}") };
    let outbox: Outbox = row.get(OUTBOX)?.as_str().unwrap().parse().unwrap();
    let [emission] = outbox.emissions() else { panic!("{outbox}") };
    let image = serde_dynamo::to_item(row).unwrap();
    Some((EVENT_SOURCE.build)(image, emission).unwrap())
}

#[tokio::test]
async fn a_requested_message_is_sent_once_by_the_consumer_of_its_event() {
    let notifications = NotificationsHarness::open().await;
    let id = request(&notifications, None, &body()).await;
    assert!(notifications.sent().is_empty(), "the request is answered before the message is sent");
    assert_eq!(read(&notifications, &id).await.1["status"], "requested");

    let event = event_of(&notifications, &id).await.unwrap();
    assert_eq!((event.event_type(), event.data.subject()), (EventType::NotificationRequested, id.clone()));
    assert_eq!(notifications.deliver(&[event.clone(), event.clone()]).await, [Outcome::Done, Outcome::Done]);
    notifications.deliver(&[event]).await;

    let [message] = &notifications.sent()[..] else { panic!("{:?}", notifications.sent()) };
    assert_eq!(message.id.to_string(), id);
    assert_eq!(message.recipient.address(), "user@example.com");
    assert_eq!(message.subject.as_deref(), Some("Your order 123 is confirmed"));
    assert_eq!(
        message.body,
        "Thank you for your order 123. It is paid and will be on its way soon.\n\nTotal: 999.99"
    );
    let (status, view) = read(&notifications, &id).await;
    assert_eq!(status, 200);
    assert_eq!(
        view,
        json!({
            "id": id,
            "channel": "email",
            "recipient": "user@example.com",
            "template": "order_confirmation",
            "subject": "Your order 123 is confirmed",
            "status": "sent",
            "created_at": view["created_at"].as_str().unwrap(),
            "sent_at": view["sent_at"].as_str().unwrap(),
        })
    );
    assert!(event_of(&notifications, &id).await.is_none(), "the row of a sent message emits no event");
}

#[tokio::test]
async fn a_crash_before_the_record_sends_again_under_the_same_id() {
    let notifications = NotificationsHarness::open().await;
    let id = request(&notifications, None, &body()).await;
    let event = event_of(&notifications, &id).await.unwrap();
    notifications.service.embedded.inject(Arc::new(records_fail));
    let outcomes = notifications.deliver(std::slice::from_ref(&event)).await;
    assert!(matches!(outcomes[..], [Outcome::Retry { .. }]), "{outcomes:?}");

    notifications.service.stop_failing();
    assert_eq!(notifications.deliver(&[event]).await, [Outcome::Done]);
    let sent = notifications.sent();
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

#[tokio::test]
async fn a_repeated_idempotency_key_returns_the_same_notification() {
    let notifications = NotificationsHarness::open().await;
    let id = request(&notifications, Some("k-1"), &body()).await;
    let event = event_of(&notifications, &id).await.unwrap();
    let reordered = json!({
        "variables": {"total": "999.99", "orderId": "123"},
        "template": "order_confirmation",
        "recipient": "user@example.com",
        "channel": "email",
    });
    assert_eq!(request(&notifications, Some("k-1"), &reordered).await, id);
    notifications.deliver(&[event]).await;
    assert_eq!(request(&notifications, Some("k-1"), &body()).await, id);
    assert!(event_of(&notifications, &id).await.is_none(), "a repeated request emits no event");
    assert_ne!(request(&notifications, Some("k-2"), &body()).await, id);

    for other in [
        with("/recipient", Some(json!("other@example.com"))),
        with("/template", Some(json!("order_cancelled"))),
        with("/variables/total", Some(json!("1.00"))),
        with("/variables/more", Some(json!(1))),
    ] {
        let (status, problem) = post(&notifications, Some("k-1"), &other).await;
        assert_eq!(status, 422);
        assert_eq!(problem["type"], "urn:orderflow:problem:idempotency-key-reused", "{problem}");
    }
}

#[tokio::test]
async fn an_invalid_request_is_refused_with_the_field_names() {
    let notifications = NotificationsHarness::open().await;
    for (body, fields) in [
        (with("/variables/total", None), &["variables.total"][..]),
        (with("/variables", None), &["variables.orderId", "variables.total"]),
        (with("/variables/orderId", Some(Value::Null)), &["variables.orderId"]),
        (with("/variables/items", Some(json!(7))), &["variables"]),
        (with("/variables/total", Some(json!("9".repeat(60_000)))), &[]),
        (with("/channel", Some(json!("fax"))), &["channel"]),
        (with("/channel", Some(json!("sms"))), &["recipient"]),
        (with("/recipient", Some(json!("user"))), &["recipient"]),
        (with("/template", Some(json!("welcome"))), &["template"]),
        (with("/variables/orderId", Some(json!("1\r.\r\nx"))), &["variables.orderId"]),
        (with("/variables/orderId", Some(json!("1\u{0}"))), &["variables.orderId"]),
        (with("/variables/total", Some(json!("\u{200b}"))), &["variables.total"]),
        (with("/variables/more", Some(json!([{"a": "\u{202e}"}]))), &["variables.more"]),
        (with("/variables/orderId", Some(json!("1\n2"))), &["variables"]),
        (with("/variables/total", Some(json!("1\n2"))), &[]),
        (with("/templat", Some(json!("welcome"))), &["templat"]),
    ] {
        let (status, problem) = post(&notifications, None, &body).await;
        if fields.is_empty() {
            assert_eq!(status, 202, "{problem}");
            continue;
        }
        assert_eq!(status, 422, "{body}: {problem}");
        let errors = problem["errors"].as_array().unwrap();
        let named: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_number_is_shown_as_it_was_given() {
    let notifications = NotificationsHarness::open().await;
    let text = r#"{"channel":"email","recipient":"user@example.com","template":"order_refunded",
        "variables":{"orderId":123456789012345678901234567890,"total":19.90}}"#;
    let request = Request::post("/api/v1/notifications").header("content-type", "application/json");
    let (status, answer) = notifications.client.send(request.body(text.into()).unwrap()).await;
    assert_eq!(status, 202, "{answer}");
    let event = event_of(&notifications, answer["id"].as_str().unwrap()).await.unwrap();
    let event = Event::from_json(&event.to_json()).unwrap();
    notifications.deliver(&[event]).await;
    let body = &notifications.sent()[0].body;
    assert!(body.contains("123456789012345678901234567890") && body.contains("19.90"), "{body}");
}

#[tokio::test]
async fn old_texts_that_cannot_be_shown_are_replaced() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let mut ended = ended(order, None);
    ended.items[0].name = "Mug\u{202e}\u{0}\r.\r\n".to_owned();
    notifications.deliver(&[event(EventData::OrderConfirmed(ended))]).await;
    let body = &notifications.sent()[0].body;
    assert!(body.contains("Mug\u{fffd}\u{fffd}\u{fffd}.\n"), "{body:?}");
}

#[tokio::test]
async fn a_short_message_that_is_too_long_is_refused() {
    let notifications = NotificationsHarness::open().await;
    let sms = |total: String| {
        json!({"channel": "sms", "recipient": "+49 30 1234567", "template": "order_refunded",
            "variables": {"orderId": "1", "total": total}})
    };
    let (status, problem) = post(&notifications, None, &sms("9".repeat(1_600))).await;
    assert_eq!(status, 422);
    assert_eq!(
        problem["errors"],
        json!([{"field": "variables", "message": "must not make the text longer than 1600 bytes"}])
    );
    let id = request(&notifications, None, &sms("9".repeat(1_000))).await;
    let event = event_of(&notifications, &id).await.unwrap();
    notifications.deliver(&[event]).await;
    assert_eq!(notifications.sent()[0].recipient.address(), "+49301234567");
}

#[tokio::test]
async fn a_request_with_an_order_id_belongs_to_that_order() {
    let notifications = NotificationsHarness::open().await;
    let order = OrderId::generate();
    let about = with("/variables/orderId", Some(json!(order.to_string())));
    let id = request(&notifications, None, &about).await;
    let event = event_of(&notifications, &id).await.unwrap();
    let EventData::NotificationRequested(request) = &event.data else { panic!("{event:?}") };
    assert_eq!(request.notification_id.to_string(), id);
    notifications.deliver(&[event]).await;
    assert_eq!(notifications.sent()[0].order_id, Some(order));
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let notifications = NotificationsHarness::open().await;
    for id in [&OrderId::generate().to_string(), "nonsense"] {
        assert_eq!(read(&notifications, id).await.0, 404, "{id}");
    }
}

#[tokio::test]
async fn the_templates_are_listed_with_their_required_variables() {
    let notifications = NotificationsHarness::open().await;
    let (status, list) = notifications.client.get("/api/v1/templates").await;
    assert_eq!(status, 200);
    let listed = list["templates"].as_array().unwrap();
    assert_eq!(listed.len(), 10);
    let both = ["orderId", "total"];
    for (name, variables) in [
        ("order_cancelled", &both[..]),
        ("order_confirmation", &both),
        ("order_out_of_stock", &["orderId"]),
        ("order_payment_declined", &both),
        ("order_refunded", &both),
    ] {
        for channel in ["email", "sms"] {
            let expected = json!({"name": name, "channel": channel, "variables": variables});
            assert!(listed.contains(&expected), "{expected} is not in {list}");
        }
    }
}
