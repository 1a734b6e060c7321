//! What batches of events come to.

use futures::future::join_all;
use orderflow_domain::{Event, OrderId};
use serde_json::json;

use crate::support::{Analytics, at, cancelled, confirmed, mixed, orders, placed, rejected};

#[tokio::test]
async fn orders_count_by_how_they_stand() {
    let analytics = Analytics::open().await;
    let time = at("10:00:00");
    let orders = orders(5);
    let all: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)], time)).collect();
    analytics.done(&all).await;
    analytics
        .done(&[
            confirmed(orders[0], &[("A", 2), ("B", 7)], time),
            confirmed(orders[1], &[("A", 4)], time),
            rejected(orders[2], time),
            cancelled(orders[3], time),
        ])
        .await;
    let mut summary = analytics.summary().await;
    assert!(summary["last_updated"].take().is_string());
    let expected = json!({
        "total_orders": 5,
        "by_status": {"pending": 1, "confirmed": 2, "rejected": 1, "cancelled": 1},
        "revenue": {"amount": 1_300, "currency": "USD"},
        "average_order_value": {"amount": 650, "currency": "USD"},
        "top_skus": [{"sku": "B", "quantity": 7}, {"sku": "A", "quantity": 6}],
        "last_updated": null,
    });
    assert_eq!(summary, expected);
}

#[tokio::test]
async fn an_order_that_ends_before_it_begins_is_the_same_order() {
    let (ordered, late) = (Analytics::open().await, Analytics::open().await);
    let order = OrderId::generate();
    let (begin, end) =
        (placed(order, &[("A", 1)], at("10:00:00")), confirmed(order, &[("A", 1)], at("10:05:00")));
    for event in [&begin, &end] {
        ordered.done(std::slice::from_ref(event)).await;
    }
    late.done(&[end]).await;
    assert_eq!(late.summary().await["total_orders"], 1);
    assert_eq!(late.summary().await["by_status"]["pending"], 0);
    late.done(&[begin]).await;
    assert_eq!(late.everything().await, ordered.everything().await);
}

#[tokio::test]
async fn h13_what_comes_twice_counts_once() {
    let (once, twice) = (Analytics::open().await, Analytics::open().await);
    let events = mixed(100);
    once.done(&events).await;
    let mut shuffled: Vec<Event> = [events.clone(), events].concat();
    fastrand::shuffle(&mut shuffled);
    for batch in shuffled.chunks(37) {
        twice.done(batch).await;
    }
    let everything = twice.everything().await;
    assert_eq!(everything, once.everything().await);
    assert_eq!(everything[0]["total_orders"], 100);
}

#[tokio::test]
async fn batches_at_the_same_time_count_everything_once() {
    let (alone, together) = (Analytics::open().await, Analytics::open().await);
    let events = mixed(60);
    alone.done(&events).await;
    let batches = events.chunks(10).chain(events.chunks(15));
    join_all(batches.map(|batch| together.done(batch))).await;
    assert_eq!(together.everything().await, alone.everything().await);
}

#[tokio::test]
async fn a_batch_is_few_transactions() {
    let analytics = Analytics::open().await;
    let time = at("10:00:00");
    let events: Vec<Event> =
        orders(192).into_iter().map(|order| confirmed(order, &[("A", 1)], time)).collect();
    let before = analytics.embedded.requests();
    analytics.done(&events).await;
    let requests = analytics.embedded.requests().since(&before);
    // Five counters each: of all orders, of the sku, of minute, hour and day.
    assert_eq!(*requests.transactions_by_size(), [(100, 2), (7, 1)].into());
}
