//! A system whose parts a test can break, kill and inspect.

use std::path::Path;
use std::sync::Arc;

use orderflow_bridge::RuntimeTable;
use orderflow_domain::{Event, EventData, Timestamp};
use orderflow_engine::{Engine, Location, Options};
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_orders::ORDERS;
use orderflow_system::{Settings, StoreLocation};
use orderflow_testing::faults::FailingStore;
use orderflow_tests::{EmbeddedMode, TestApp};
use serde_json::{Value, json};

pub(crate) type TestShop = TestApp<EmbeddedMode>;

pub(crate) async fn open() -> TestShop {
    TestApp::open().await
}

/// Opens the system over the data in this directory, and finishes its unfinished work.
pub(crate) async fn open_in(directory: &Path) -> TestShop {
    let settings = Settings::new(Location::Directory(directory.to_owned()));
    TestApp { mode: EmbeddedMode::open(settings).await.unwrap() }
}

/// Sets the injected faults.
pub(crate) async fn faults(shop: &TestShop, payment: &str, stopped: &[&str]) {
    let body = json!({"payment": payment, "stopped": stopped});
    shop.put("/api/v1/admin/faults", &body).await.expect(200);
}

/// Opens a store whose requests the test can make fail.
pub(crate) fn failing_store(location: Location) -> FailingStore {
    FailingStore::new(Arc::new(Engine::open(Options::new(location)).unwrap()))
}

/// Opens the system over a store whose requests the test can make fail.
pub(crate) async fn open_over(store: &FailingStore) -> TestShop {
    let store = StoreLocation::Given(Arc::new(store.clone()));
    let settings = Settings { store, ..Settings::new(Location::Memory) };
    TestApp { mode: EmbeddedMode::open(settings).await.unwrap() }
}

/// Runs this many rounds of work. A message delayed in one round is due in the next.
pub(crate) async fn work(shop: &mut TestShop, rounds: usize) {
    let mut now = Timestamp::now();
    for _ in 0..rounds {
        shop.mode.system.step(now).await.unwrap();
        now = shop.mode.system.next_due().map_or(now, |due| due.max(now));
    }
}

/// Returns whether an order is settled.
pub(crate) async fn is_settled(shop: &TestShop, id: &str) -> bool {
    let table = shop.mode.system.store().table(&ORDERS);
    let order: Option<Value> = table.get(table.key(id)).await.unwrap();
    order.unwrap()["open_partition"].is_null()
}

/// Returns the number of dead letters of all consumers.
pub(crate) async fn dead_letters(shop: &TestShop) -> usize {
    let runtime = RuntimeTable::new(shop.mode.system.store());
    let mut count = 0;
    for row in SUBSCRIPTIONS {
        count += runtime.dead_letters(row.consumer).await.unwrap().len();
    }
    count
}

/// Returns the attempts of each delayed message of a consumer.
pub(crate) async fn delayed(shop: &TestShop, consumer: &str) -> Vec<u32> {
    let runtime = RuntimeTable::new(shop.mode.system.store());
    runtime.delayed(consumer).await.unwrap().into_iter().map(|row| row.attempts).collect()
}

/// Delivers events to a consumer's function, as a queue does, and checks that it acknowledges all.
pub(crate) async fn deliver(shop: &TestShop, consumer: &str, events: &[Event]) {
    assert_eq!(deliver_any(shop, consumer, events).await, json!({"batchItemFailures": []}));
}

/// Delivers events to a consumer's function, as a queue does. Returns the answer, which names those that it does not acknowledge.
pub(crate) async fn deliver_any(shop: &TestShop, consumer: &str, events: &[Event]) -> Value {
    let record = |(number, event): (usize, &Event)| {
        let attributes = json!({"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "0"});
        json!({"messageId": number.to_string(), "body": event.to_json(), "eventSource": "orderflow:test",
            "attributes": attributes})
    };
    let records: Vec<Value> = events.iter().enumerate().map(record).collect();
    let payload = json!({"Records": records}).to_string().into_bytes();
    let answer = shop.mode.system.target(consumer).unwrap().invoke(payload).await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

/// Returns the `order.placed` of an order.
pub(crate) fn placed(order: &Value) -> Event {
    told(order, EventData::OrderPlaced)
}

/// Returns an event whose data are fields of an order.
pub(crate) fn told<Data: serde::de::DeserializeOwned>(
    order: &Value,
    event: impl Fn(Data) -> EventData,
) -> Event {
    let mut data = order.clone();
    data["order_id"] = order["id"].clone();
    data["amount"] = order["total"]["amount"].clone();
    data["currency"] = order["total"]["currency"].clone();
    data["reason"] = json!("out_of_stock");
    data["shortages"] = json!([]);
    Event::new(event(serde_json::from_value(data).unwrap()), "", Timestamp::now(), None)
}

/// Checks that an order is confirmed, charged once, has its units reserved, and that its customer got one message.
pub(crate) async fn assert_confirmed(shop: &TestShop, id: &str) {
    assert_eq!(shop.order(id).await["status"], "confirmed", "{id}");
    assert!(is_settled(shop, id).await, "{id}");
    assert_eq!(shop.payment(id).await.as_deref(), Some("completed"), "{id}");
    assert_eq!(shop.notifications(id).await, ["order_confirmation email"], "{id}");
}
