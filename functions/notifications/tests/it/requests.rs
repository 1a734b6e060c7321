//! Messages that somebody asks for.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use orderflow_domain::{Event, EventData, EventType, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::Outcome;
use orderflow_notifications::{EVENT_SOURCE, NOTIFICATIONS};
use orderflow_store::{OUTBOX, Outbox};
use serde_json::{Map, Value, json};

use crate::support::Notifications;

fn body() -> Value {
    json!({
        "channel": "email",
        "recipient": "user@example.com",
        "template": "order_confirmation",
        "variables": {"orderId": "123", "total": "999.99"},
    })
}

/// The body with another value at a place; none takes the place away.
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

async fn post(notifications: &Notifications, key: Option<&str>, body: &Value) -> (StatusCode, Value) {
    let request = Request::post("/api/v1/notifications").header("content-type", "application/json");
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    notifications.call(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn accepted(notifications: &Notifications, key: Option<&str>, body: &Value) -> String {
    let (status, answer) = post(notifications, key, body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn read(notifications: &Notifications, id: &str) -> (StatusCode, Value) {
    let uri = format!("/api/v1/notifications/{id}");
    notifications.call(Request::get(uri).body(Body::empty()).unwrap()).await
}

/// The event that the row of a request names, as the relay builds it.
async fn event_of(notifications: &Notifications, id: &str) -> Option<Event> {
    let table = notifications.store.table(&NOTIFICATIONS);
    let rows: Vec<Map<String, Value>> = table.get_collection(id).await.unwrap();
    let [row] = &rows[..] else { panic!("not one row: {rows:?}") };
    let outbox: Outbox = row.get(OUTBOX)?.as_str().unwrap().parse().unwrap();
    let [emission] = outbox.emissions() else { panic!("{outbox}") };
    let image = serde_dynamo::to_item(row).unwrap();
    Some((EVENT_SOURCE.build)(image, emission).unwrap())
}

#[tokio::test]
async fn what_is_asked_for_is_sent_once_the_event_comes() {
    let notifications = Notifications::start().await;
    let id = accepted(&notifications, None, &body()).await;
    assert!(notifications.sent().is_empty(), "the answer comes before the message goes out");
    assert_eq!(read(&notifications, &id).await.1["status"], "requested");

    let event = event_of(&notifications, &id).await.unwrap();
    assert_eq!((event.event_type(), event.data.subject()), (EventType::NotificationRequested, id.clone()));
    assert_eq!(notifications.handle(&[event.clone(), event.clone()]).await, [Outcome::Done, Outcome::Done]);
    notifications.handle(&[event]).await;

    let [message] = &notifications.sent()[..] else { panic!("{:?}", notifications.sent()) };
    assert_eq!(message.id.to_string(), id);
    assert_eq!(message.recipient.address(), "user@example.com");
    assert_eq!(message.subject.as_deref(), Some("Your order 123 is confirmed"));
    assert_eq!(
        message.body,
        "Thank you for your order 123. It is paid and will be on its way soon.\n\nTotal: 999.99"
    );
    let (status, view) = read(&notifications, &id).await;
    assert_eq!(status, StatusCode::OK);
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
        })
    );
    assert!(event_of(&notifications, &id).await.is_none(), "the row of what is sent names no event");
}

#[tokio::test]
async fn a_crash_before_it_is_recorded_sends_again_under_the_same_id() {
    let notifications = Notifications::start().await;
    let id = accepted(&notifications, None, &body()).await;
    let event = event_of(&notifications, &id).await.unwrap();
    let writes_fail = |operation: &str, _: &Value| {
        ["PutItem", "TransactWriteItems"].contains(&operation).then_some(Fault::InternalServerError)
    };
    notifications.embedded.inject(Arc::new(writes_fail));
    let outcomes = notifications.handle(std::slice::from_ref(&event)).await;
    assert!(matches!(outcomes[..], [Outcome::Retry { .. }]), "{outcomes:?}");

    notifications.embedded.stop_injecting();
    assert_eq!(notifications.handle(&[event]).await, [Outcome::Done]);
    let sent = notifications.sent();
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

#[tokio::test]
async fn the_same_key_is_the_same_notification() {
    let notifications = Notifications::start().await;
    let id = accepted(&notifications, Some("k-1"), &body()).await;
    let event = event_of(&notifications, &id).await.unwrap();
    let reordered = json!({
        "variables": {"total": "999.99", "orderId": "123"},
        "template": "order_confirmation",
        "recipient": "user@example.com",
        "channel": "email",
    });
    assert_eq!(accepted(&notifications, Some("k-1"), &reordered).await, id);
    notifications.handle(&[event]).await;
    assert_eq!(accepted(&notifications, Some("k-1"), &body()).await, id);
    assert!(event_of(&notifications, &id).await.is_none(), "a repeat has nothing sent again");
    assert_ne!(accepted(&notifications, Some("k-2"), &body()).await, id);

    for other in [
        with("/recipient", Some(json!("other@example.com"))),
        with("/template", Some(json!("order_cancelled"))),
        with("/variables/total", Some(json!("1.00"))),
        with("/variables/more", Some(json!(1))),
    ] {
        let (status, problem) = post(&notifications, Some("k-1"), &other).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["type"], "urn:orderflow:problem:idempotency-key-reused", "{problem}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_named() {
    let notifications = Notifications::start().await;
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
        (with("/templat", Some(json!("welcome"))), &["templat"]),
    ] {
        let (status, problem) = post(&notifications, None, &body).await;
        if fields.is_empty() {
            assert_eq!(status, StatusCode::ACCEPTED, "{problem}");
            continue;
        }
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        let errors = problem["errors"].as_array().unwrap();
        let named: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_short_message_that_is_none_is_refused() {
    let notifications = Notifications::start().await;
    let sms = |total: String| {
        json!({"channel": "sms", "recipient": "+49 30 1234567", "template": "order_refunded",
            "variables": {"orderId": "1", "total": total}})
    };
    let (status, problem) = post(&notifications, None, &sms("9".repeat(1_600))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        problem["errors"],
        json!([{"field": "variables", "message": "make a text of more than 1600 bytes"}])
    );
    let id = accepted(&notifications, None, &sms("9".repeat(1_000))).await;
    let event = event_of(&notifications, &id).await.unwrap();
    notifications.handle(&[event]).await;
    assert_eq!(notifications.sent()[0].recipient.address(), "+49301234567");
}

#[tokio::test]
async fn a_request_about_an_order_is_logged_under_it() {
    let notifications = Notifications::start().await;
    let order = OrderId::generate();
    let about = with("/variables/orderId", Some(json!(order.to_string())));
    let id = accepted(&notifications, None, &about).await;
    let event = event_of(&notifications, &id).await.unwrap();
    let EventData::NotificationRequested(request) = &event.data else { panic!("{event:?}") };
    assert_eq!(request.notification_id.to_string(), id);
    notifications.handle(&[event]).await;
    assert_eq!(notifications.sent()[0].order_id, Some(order));
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let notifications = Notifications::start().await;
    for id in [&OrderId::generate().to_string(), "nonsense"] {
        assert_eq!(read(&notifications, id).await.0, StatusCode::NOT_FOUND, "{id}");
    }
}

#[tokio::test]
async fn the_templates_are_listed_with_what_they_need() {
    let notifications = Notifications::start().await;
    let request = Request::get("/api/v1/templates").body(Body::empty()).unwrap();
    let (status, list) = notifications.call(request).await;
    assert_eq!(status, StatusCode::OK);
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
