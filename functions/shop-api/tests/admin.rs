//! The routes for operators, over queues that a test makes up.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::{Request, StatusCode};
use orderflow_domain::{
    Currency, Event, EventData, InventoryReleased, InventoryReserved, Money, OrderId, PaymentToken, Timestamp,
};
use orderflow_http::with_fallbacks;
use orderflow_messaging::{
    AdminError, DeadLetter, QueueAdmin, QueueStatus, ReplayProgress, SUBSCRIPTIONS, Selection,
};
use orderflow_shop_api::admin_router;
use orderflow_testing::service::{RouterClient, with_json, without_body};
use serde_json::{Value, json};

const LETTERS: &str = "/api/v1/admin/dead-letters";

/// Dead letters in memory, and those that were replayed.
#[derive(Default)]
struct Queues {
    dead: Mutex<Vec<DeadLetter>>,
    replayed: Mutex<Vec<String>>,
    down: bool,
}

impl Queues {
    fn up(&self) -> Result<(), AdminError> {
        if self.down { Err(AdminError("guest:guest@broker is down".to_owned())) } else { Ok(()) }
    }

    fn take(&self, consumer: &str, selection: &Selection) -> Vec<DeadLetter> {
        let meant = |letter: &mut DeadLetter| letter.consumer == consumer && selection.includes(letter);
        self.dead.lock().unwrap().extract_if(.., meant).collect()
    }

    fn ids(&self) -> Vec<String> {
        self.dead.lock().unwrap().iter().map(|letter| letter.id.clone()).collect()
    }
}

#[async_trait]
impl QueueAdmin for Queues {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        self.up()?;
        let status = |(ready, row): (u64, &orderflow_messaging::Subscription)| QueueStatus {
            consumer: row.consumer.to_owned(),
            ready,
            in_flight: 1,
            delayed: 2,
            dead: 3,
        };
        Ok((0..).zip(SUBSCRIPTIONS).map(status).collect())
    }

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError> {
        self.up()?;
        let dead = self.dead.lock().unwrap();
        Ok(dead.iter().filter(|letter| letter.consumer == consumer).cloned().collect())
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        self.up()?;
        let mut dead = self.dead.lock().unwrap();
        let found = dead.iter_mut().find(|letter| letter.consumer == consumer && letter.id == id);
        Ok(found.map(|letter| letter.body = event.to_json()).is_some())
    }

    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError> {
        self.up()?;
        Ok(self.take(consumer, selection).len() as u64)
    }

    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        _progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError> {
        self.up()?;
        let taken = self.take(consumer, selection);
        self.replayed.lock().unwrap().extend(taken.iter().map(|letter| letter.id.clone()));
        Ok(taken.len() as u64)
    }
}

fn released() -> Event {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None)
}

fn letter(consumer: &str, id: &str, code: &str, body: &str) -> DeadLetter {
    DeadLetter {
        id: id.to_owned(),
        consumer: consumer.to_owned(),
        code: code.to_owned(),
        reason: "refused by the test".to_owned(),
        attempts: 3,
        first_at: Some(Timestamp::from_millis(0)),
        last_at: None,
        body: body.to_owned(),
    }
}

/// Three of order-tracker's, one of payment's.
fn queues() -> Arc<Queues> {
    let dead = vec![
        letter("payment", "p1", "bad", "{}"),
        letter("order-tracker", "t1", "bad", &released().to_json()),
        letter("order-tracker", "t2", "bad", "no event"),
        letter("order-tracker", "t3", "worse", "[1]"),
    ];
    Arc::new(Queues { dead: Mutex::new(dead), ..Queues::default() })
}

async fn call(queues: &Arc<Queues>, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = match &body {
        Some(body) => with_json(request, body),
        None => without_body(request),
    };
    let client = RouterClient::new(with_fallbacks(admin_router(queues.clone())));
    let (status, answer) = client.send(request).await;
    (StatusCode::from_u16(status).unwrap(), answer)
}

async fn get(queues: &Arc<Queues>, path: &str) -> (StatusCode, Value) {
    call(queues, "GET", path, None).await
}

async fn replay(queues: &Arc<Queues>, body: Value) -> (StatusCode, Value) {
    call(queues, "POST", &format!("{LETTERS}/order-tracker/replay"), Some(body)).await
}

#[tokio::test]
async fn queues_are_listed() {
    let (status, body) = get(&queues(), "/api/v1/admin/queues").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["queues"].as_array().unwrap().len(), SUBSCRIPTIONS.len());
    let second =
        json!({"consumer": SUBSCRIPTIONS[1].consumer, "ready": 1, "in_flight": 1, "delayed": 2, "dead": 3});
    assert_eq!(body["queues"][1], second);
}

#[tokio::test]
async fn dead_letters_are_listed_with_their_counts() {
    let queues = queues();
    let (status, body) = get(&queues, LETTERS).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["dead_letters"].as_array().unwrap().len(), 4);
    let counts = json!([
        {"consumer": "order-tracker", "code": "bad", "count": 2},
        {"consumer": "order-tracker", "code": "worse", "count": 1},
        {"consumer": "payment", "code": "bad", "count": 1},
    ]);
    assert_eq!(body["counts"], counts);

    let (status, body) = get(&queues, &format!("{LETTERS}/order-tracker")).await;
    assert_eq!(status, StatusCode::OK);
    let found = body["dead_letters"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0]["event"]["type"], "inventory.released");
    let second = json!({
        "id": "t2", "consumer": "order-tracker", "code": "bad", "reason": "refused by the test", "attempts": 3,
        "first_at": "1970-01-01T00:00:00.000Z", "last_at": null, "event": "no event",
    });
    assert_eq!(found[1], second);
    assert_eq!(found[2]["event"], json!([1]));

    let (status, one) = get(&queues, &format!("{LETTERS}/order-tracker/t2")).await;
    assert_eq!((status, one), (StatusCode::OK, second));
}

#[tokio::test]
async fn an_unknown_consumer_or_dead_letter_is_not_found() {
    let queues = queues();
    for path in ["unknown-consumer", "unknown-consumer/t1", "order-tracker/p1", "payment/t1"] {
        let (status, body) = get(&queues, &format!("{LETTERS}/{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(body["type"], "urn:orderflow:problem:not-found");
    }
    let event: Value = serde_json::from_str(&released().to_json()).unwrap();
    for (method, path, body) in [
        ("DELETE", "unknown-consumer", None),
        ("DELETE", "payment/t1", None),
        ("PUT", "unknown-consumer/t1", Some(event.clone())),
        ("PUT", "order-tracker/p1", Some(event)),
        ("POST", "unknown-consumer/replay", Some(json!({}))),
    ] {
        let (status, _) = call(&queues, method, &format!("{LETTERS}/{path}"), body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    assert_eq!(queues.ids(), ["p1", "t1", "t2", "t3"]);
}

#[tokio::test]
async fn a_dead_letter_is_replaced_only_by_an_event_of_its_consumer() {
    let (queues, path) = (queues(), format!("{LETTERS}/order-tracker/t2"));
    let event: Value = serde_json::from_str(&released().to_json()).unwrap();
    let (status, body) = call(&queues, "PUT", &path, Some(event.clone())).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["event"], &body["id"], &body["code"]), (&event, &json!("t2"), &json!("bad")));
    assert_eq!(get(&queues, &path).await.1, body);

    let mut other_type = event.clone();
    other_type["type"] = json!("order.placed");
    let mut no_order = event.clone();
    no_order["data"] = json!({});
    for (refused, reason) in [
        (json!({}), "not a CloudEvents envelope"),
        (json!("text"), "not a CloudEvents envelope"),
        (no_order, "the data of inventory.released is not valid"),
        (other_type, "the data of order.placed is not valid"),
    ] {
        let (status, body) = call(&queues, "PUT", &path, Some(refused)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(body["detail"].as_str().unwrap().contains(reason), "{body}");
    }
    let (status, body) = call(&queues, "PUT", &format!("{LETTERS}/payment/p1"), Some(event.clone())).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = "The consumer payment does not subscribe to inventory.released.";
    assert_eq!(body["detail"], expected);
    assert_eq!(get(&queues, &path).await.1["event"], event, "nothing changed");
    assert_eq!(get(&queues, &format!("{LETTERS}/payment/p1")).await.1["event"], json!({}));
}

#[tokio::test]
async fn a_payment_token_is_never_shown_and_survives_an_edit() {
    let total = Money { amount: 100, currency: Currency::parse("USD").unwrap() };
    let payment_token = Some(PaymentToken::parse("tok_secret").unwrap());
    let data = InventoryReserved { order_id: OrderId::generate(), total, payment_token };
    let event = Event::new(EventData::InventoryReserved(data), "", Timestamp::from_millis(0), None);
    let cut = event.to_json().split_once("secret").unwrap().0.to_owned();
    let dead = vec![letter("payment", "p1", "bad", &event.to_json()), letter("payment", "p2", "bad", &cut)];
    let queues = Arc::new(Queues { dead: Mutex::new(dead), ..Queues::default() });
    for path in [LETTERS, &format!("{LETTERS}/payment"), &format!("{LETTERS}/payment/p1")] {
        let (status, body) = get(&queues, path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!body.to_string().contains("tok_"), "{body}");
    }
    let path = format!("{LETTERS}/payment/p1");
    let (_, shown) = get(&queues, &path).await;
    assert_eq!(shown["event"]["data"]["payment_token"], "***");
    let (status, saved) = call(&queues, "PUT", &path, Some(shown["event"].clone())).await;
    assert_eq!((status, saved["event"].clone()), (StatusCode::OK, shown["event"].clone()));
    assert_eq!(Event::from_json(&queues.dead.lock().unwrap()[0].body).unwrap(), event);
}

#[tokio::test]
async fn dead_letters_are_listed_page_by_page() {
    let queues = queues();
    for (path, expected) in [
        (LETTERS.to_owned(), vec!["t1", "t2", "t3", "p1"]),
        (format!("{LETTERS}/order-tracker"), vec!["t1", "t2", "t3"]),
    ] {
        for limit in 1..=5 {
            let (mut ids, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let (status, body) = get(&queues, &format!("{path}?limit={limit}&cursor={cursor}")).await;
                assert_eq!(status, StatusCode::OK, "{body}");
                let page = body["dead_letters"].as_array().unwrap();
                assert!(page.len() <= limit, "{body}");
                if let Some(counts) = body.get("counts") {
                    assert_eq!(counts.as_array().unwrap().is_empty(), pages > 0);
                }
                ids.extend(page.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()));
                pages += 1;
                let Some(next) = body["next_cursor"].as_str() else { break };
                cursor = next.to_owned();
            }
            assert_eq!(ids, expected, "{path} {limit}");
        }
        let (status, problem) = get(&queues, &format!("{path}?cursor=x")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["type"], "urn:orderflow:problem:invalid-cursor");
    }
}

#[tokio::test]
async fn a_replay_selects_ids_or_a_code_or_all() {
    let queues = queues();
    let done = |count: u64| (StatusCode::OK, json!({ "replayed": count }));
    assert_eq!(replay(&queues, json!({"ids": ["t2", "p1", "gone"]})).await, done(1));
    assert_eq!(replay(&queues, json!({"ids": ["t2"]})).await, done(0));
    assert_eq!(replay(&queues, json!({"code": "worse"})).await, done(1));
    assert_eq!(replay(&queues, json!({})).await, done(1));
    assert_eq!(*queues.replayed.lock().unwrap(), ["t2", "t3", "t1"]);
    assert_eq!(queues.ids(), ["p1"]);
}

#[tokio::test]
async fn a_contradictory_replay_request_is_refused() {
    let queues = queues();
    for (body, field) in [
        (json!({"ids": ["t1"], "code": "bad"}), "code"),
        (json!({"id": "t1"}), "id"),
        (json!({"ids": "t1"}), "ids"),
    ] {
        let (status, body) = replay(&queues, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(body["errors"][0]["field"], field);
    }
    assert_eq!(queues.ids().len(), 4);
}

#[tokio::test]
async fn dead_letters_are_deleted_one_by_one_by_code_or_all() {
    let queues = queues();
    let (status, body) = call(&queues, "DELETE", &format!("{LETTERS}/order-tracker/t1"), None).await;
    assert_eq!((status, body), (StatusCode::NO_CONTENT, Value::Null));
    let path = format!("{LETTERS}/order-tracker");
    let purged = |count: u64| (StatusCode::OK, json!({ "purged": count }));
    assert_eq!(call(&queues, "DELETE", &format!("{path}?code=worse"), None).await, purged(1));
    let (status, _) = call(&queues, "DELETE", &format!("{path}?cod=bad"), None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(queues.ids(), ["p1", "t2"], "a mistyped query deletes nothing");
    assert_eq!(call(&queues, "DELETE", &path, None).await, purged(1));
    assert_eq!(queues.ids(), ["p1"]);
}

#[tokio::test]
async fn an_unavailable_broker_is_reported_without_its_address() {
    let queues = Arc::new(Queues { down: true, ..Queues::default() });
    let event: Value = serde_json::from_str(&released().to_json()).unwrap();
    for (method, path, body) in [
        ("GET", "/api/v1/admin/queues".to_owned(), None),
        ("GET", LETTERS.to_owned(), None),
        ("GET", format!("{LETTERS}/payment"), None),
        ("PUT", format!("{LETTERS}/order-tracker/t1"), Some(event)),
        ("DELETE", format!("{LETTERS}/payment/p1"), None),
        ("DELETE", format!("{LETTERS}/payment"), None),
        ("POST", format!("{LETTERS}/payment/replay"), Some(json!({}))),
    ] {
        let (status, body) = call(&queues, method, &path, body).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
        assert!(!body.to_string().contains("guest"), "{body}");
    }
}
