//! Transactions that the store refuses, or whose answer is lost.

use orderflow_domain::{Event, OrderId};
use orderflow_embedded::Fault;
use orderflow_testing::samples::{order_ids, order_placed};
use orderflow_testing::service::is_retry;
use serde_json::Value;

use crate::harness::{AnalyticsHarness, at, confirmed, mixed};

fn actions(body: &Value) -> Vec<String> {
    body["TransactItems"].as_array().unwrap().iter().map(ToString::to_string).collect()
}

/// Returns a fault for every transaction that writes this order.
fn refuse(order: OrderId) -> impl FnMut(&Value) -> Option<Fault> + Send + 'static {
    move |body| {
        let actions = actions(body);
        let bad = |action: &String| action.contains(&order.to_string());
        actions.iter().any(bad).then(|| {
            let code = |action| if bad(action) { "ValidationError" } else { "None" };
            Fault::TransactionCanceled(actions.iter().map(|action| code(action).to_owned()).collect())
        })
    }
}

#[tokio::test]
async fn h13_a_transaction_whose_answer_is_lost_is_counted_once() {
    let analytics = AnalyticsHarness::open().await;
    let events = mixed(20);
    analytics.service.fail("TransactWriteItems", |_| Some(Fault::LostAnswer));
    assert!(analytics.deliver(&events).await.iter().all(is_retry));
    analytics.service.stop_failing();
    assert_eq!(analytics.summary().await["total_orders"], 20, "the store carried the transaction out");
    analytics.deliver_all(&events).await;
    assert_eq!(analytics.summary().await["total_orders"], 20);
}

#[tokio::test]
async fn a_conflicting_transaction_is_tried_again() {
    let analytics = AnalyticsHarness::open().await;
    let mut conflicts = 3;
    analytics.service.fail("TransactWriteItems", move |body| {
        conflicts -= 1;
        (conflicts >= 0).then(|| {
            let mut codes = vec!["None".to_owned(); actions(body).len()];
            codes[0] = "TransactionConflict".to_owned();
            Fault::TransactionCanceled(codes)
        })
    });
    analytics.deliver_all(&mixed(20)).await;
    assert_eq!(analytics.summary().await["total_orders"], 20);
}

#[tokio::test]
async fn an_order_that_the_store_refuses_does_not_fail_the_others() {
    let analytics = AnalyticsHarness::open().await;
    let orders = order_ids(10);
    let events: Vec<Event> =
        orders.iter().map(|order| order_placed(*order, &[("A", 1)], at("10:00:00"))).collect();
    analytics.service.fail("TransactWriteItems", refuse(orders[3]));
    let outcomes = analytics.deliver(&events).await;
    for (position, outcome) in outcomes.iter().enumerate() {
        assert_eq!(is_retry(outcome), position == 3, "{outcomes:?}");
    }
    assert!(format!("{:?}", outcomes[3]).contains("ValidationError"), "{:?}", outcomes[3]);
    assert_eq!(analytics.summary().await["total_orders"], 9);
}

#[tokio::test]
async fn a_store_outage_makes_every_event_a_retry() {
    let analytics = AnalyticsHarness::open().await;
    let event = confirmed(OrderId::generate(), &[("A", 1)], at("10:00:00"));
    analytics.service.fail_every_request();
    assert!(is_retry(&analytics.deliver(std::slice::from_ref(&event)).await[0]));
    assert_eq!(analytics.get("/api/v1/analytics/summary").await.0, 503);
    analytics.service.stop_failing();
    assert_eq!(analytics.summary().await["total_orders"], 0);
    analytics.deliver_all(&[event]).await;
    assert_eq!(analytics.summary().await["total_orders"], 1);
}
