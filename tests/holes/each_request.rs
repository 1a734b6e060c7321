//! Every request to the store in the life of an order fails once, in each way in which a request can fail. The order ends as if none had failed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_engine::Location;
use orderflow_system::{Settings, StoreLocation};
use orderflow_testing::faults::{FailingStore, WriteFault};
use orderflow_tests::{EmbeddedMode, ModeSettings, TestApp, order_body};
use serde_json::{Value, json};

use crate::support::{TestShop, dead_letters, failing_store, faults, is_settled};

const FAULTS: [WriteFault; 4] =
    [WriteFault::Conflict, WriteFault::Throttled, WriteFault::LostAnswer, WriteFault::Unavailable];

/// The time after which the event of an open order is resent.
const RESEND_AFTER: Duration = Duration::from_secs(120);

/// More attempts than one failed request needs.
const ATTEMPTS: usize = 6;

/// What happens to the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Confirmed,
    Declined,
    OutOfStock,
    Cancelled,
    /// It is cancelled after it was charged, and before the tracker knows.
    Refunded,
    /// Its first event is resent before it was delivered.
    Swept,
}

/// Everything that must not depend on failed requests.
#[derive(PartialEq)]
struct End {
    order: Value,
    is_settled: bool,
    level: (i64, i64),
    payments: Vec<Value>,
    notifications: Vec<String>,
    dead_letters: usize,
    summary: Value,
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, is_settled, level, payments, notifications, dead_letters, summary } = self;
        write!(
            f,
            "{order} settled {is_settled}, level {level:?}, payments {payments:?}, {notifications:?}, {dead_letters} dead letters, {summary}"
        )
    }
}

async fn open(store: &FailingStore, life: Life) -> TestShop {
    let success_rate = if life == Life::Declined { 0.0 } else { 1.0 };
    let settings = ModeSettings { payment_success_rate: success_rate }.apply(Settings::new(Location::Memory));
    let settings = Settings { store: StoreLocation::Given(Arc::new(store.clone())), ..settings };
    TestApp { mode: EmbeddedMode::open(settings).await.unwrap() }
}

/// Does all pending work, also after a step of it failed.
async fn settle(shop: &mut TestShop) {
    for _ in 0..ATTEMPTS {
        if shop.mode.system.run_until_idle().await.is_ok() {
            return;
        }
    }
    panic!("the work does not end");
}

async fn place(shop: &TestShop, body: &Value) -> String {
    for _ in 0..ATTEMPTS {
        let answer = shop.post_with("/api/v1/orders", &[("idempotency-key", "the-order")], body).await;
        match answer.status.as_u16() {
            200 | 202 => return answer.body["id"].as_str().unwrap().to_owned(),
            503 => {}
            _ => panic!("{answer:?}"),
        }
    }
    panic!("the order is not accepted");
}

async fn cancel(shop: &TestShop, id: &str) {
    for _ in 0..ATTEMPTS {
        let answer = shop.delete(&format!("/api/v1/orders/{id}")).await;
        match answer.status.as_u16() {
            200 | 202 => return,
            503 => {}
            _ => panic!("{answer:?}"),
        }
    }
    panic!("the order is not cancelled");
}

async fn sweep(shop: &TestShop) {
    let late = Timestamp::now().plus(RESEND_AFTER);
    for _ in 0..ATTEMPTS {
        if shop.mode.system.sweep(late).await.is_ok() {
            return;
        }
    }
    panic!("the sweep does not end");
}

/// Lives the life of an order in a new shop. The request with this number has the fault. Returns how it ended, and whether there was such a
/// request.
async fn live(life: Life, fault: Option<(usize, WriteFault)>) -> (End, bool) {
    let store = failing_store(Location::Memory);
    let mut shop = open(&store, life).await;
    store.inject_requests(move |number| {
        fault.filter(|(failing, _)| *failing == number).map(|(_, fault)| fault)
    });
    let quantity = if life == Life::OutOfStock { 11 } else { 2 };
    let sku = if life == Life::OutOfStock { "TSHIRT-GRY-S" } else { "PRODUCT-001" };
    let id = place(&shop, &order_body(sku, quantity)).await;
    match life {
        Life::Confirmed | Life::Declined | Life::OutOfStock => {}
        Life::Swept => sweep(&shop).await,
        Life::Cancelled => cancel(&shop, &id).await,
        Life::Refunded => {
            faults(&shop, "ok", &["order-tracker"]).await;
            settle(&mut shop).await;
            cancel(&shop, &id).await;
            faults(&shop, "ok", &[]).await;
        }
    }
    settle(&mut shop).await;
    let was_reached = fault.is_none_or(|(number, _)| store.requests() > number);
    store.stop_injecting();
    (end(&shop, &id, sku).await, was_reached)
}

async fn end(shop: &TestShop, id: &str, sku: &str) -> End {
    let order = shop.order(id).await;
    let payments = shop.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200).body;
    let payments = payments["payments"].as_array().unwrap().iter();
    let mut summary = shop.get("/api/v1/analytics/summary").await.expect(200).body;
    summary["last_updated"].take();
    End {
        order: json!([order["status"], order["reason"], order["total"], order["items"]]),
        is_settled: is_settled(shop, id).await,
        level: shop.level(sku).await,
        payments: payments.map(|payment| json!([payment["status"], payment["amount"]])).collect(),
        notifications: shop.notifications(id).await,
        dead_letters: dead_letters(shop).await,
        summary,
    }
}

async fn every_request_fails_once(life: Life) {
    let (expected, _) = live(life, None).await;
    assert!(expected.is_settled && expected.dead_letters == 0, "{expected:?}");
    assert_eq!(expected.summary["total_orders"], 1, "{expected:?}");
    let refunded = expected.payments.iter().any(|payment| payment[0] == "refunded");
    assert_eq!(refunded, life == Life::Refunded, "{expected:?}");
    for fault in FAULTS {
        for number in 0.. {
            let (ended, was_reached) = live(life, Some((number, fault))).await;
            assert_eq!(ended, expected, "{fault:?} of request {number}");
            if !was_reached {
                assert!(number > 20, "{number} requests");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_confirmed_order_ends_once_whichever_request_fails() {
    every_request_fails_once(Life::Confirmed).await;
}

#[tokio::test]
async fn a_declined_order_ends_once_whichever_request_fails() {
    every_request_fails_once(Life::Declined).await;
}

#[tokio::test]
async fn an_order_out_of_stock_ends_once_whichever_request_fails() {
    every_request_fails_once(Life::OutOfStock).await;
}

#[tokio::test]
async fn a_cancelled_order_ends_once_whichever_request_fails() {
    every_request_fails_once(Life::Cancelled).await;
}

#[tokio::test]
async fn an_order_that_is_refunded_ends_once_whichever_request_fails() {
    every_request_fails_once(Life::Refunded).await;
}

#[tokio::test]
async fn an_order_that_is_swept_ends_once_whichever_request_fails() {
    every_request_fails_once(Life::Swept).await;
}
