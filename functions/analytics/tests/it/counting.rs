//! Batches of events are counted.

use futures::future::join_all;
use orderflow_domain::{Event, OrderId};
use orderflow_testing::samples::{order_ids, order_placed};
use serde_json::json;

use crate::harness::{AnalyticsHarness, at, cancelled, confirmed, mixed, rejected};

#[tokio::test]
async fn orders_are_counted_by_status() {
    let analytics = AnalyticsHarness::open().await;
    let time = at("10:00:00");
    let orders = order_ids(5);
    let all: Vec<Event> = orders.iter().map(|order| order_placed(*order, &[("A", 1)], time)).collect();
    analytics.deliver_all(&all).await;
    analytics
        .deliver_all(&[
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
async fn a_summary_reads_a_bounded_number_of_counters() {
    let analytics = AnalyticsHarness::open().await;
    let order = OrderId::generate();
    analytics.deliver_all(&[confirmed(order, &[("A", 2)], at("10:00:00"))]).await;
    analytics.add_counters("summary#0#0", 0..4_990).await;
    assert!(analytics.summary().await["top_skus"].is_array());
    analytics.add_counters("summary#0#0", 4_990..5_010).await;
    let summary = analytics.summary().await;
    assert_eq!((&summary["top_skus"], &summary["by_status"]["confirmed"]), (&json!(null), &json!(1)));
}

#[tokio::test]
async fn an_end_that_arrives_before_the_beginning_is_counted_once() {
    let (ordered, late) = (AnalyticsHarness::open().await, AnalyticsHarness::open().await);
    let order = OrderId::generate();
    let (begin, end) =
        (order_placed(order, &[("A", 1)], at("10:00:00")), confirmed(order, &[("A", 1)], at("10:05:00")));
    for event in [&begin, &end] {
        ordered.deliver_all(std::slice::from_ref(event)).await;
    }
    late.deliver_all(&[end]).await;
    assert_eq!(late.summary().await["total_orders"], 1);
    assert_eq!(late.summary().await["by_status"]["pending"], 0);
    late.deliver_all(&[begin]).await;
    assert_eq!(late.summary_and_series().await, ordered.summary_and_series().await);
}

#[tokio::test]
async fn h13_a_duplicate_event_is_counted_once() {
    let (once, twice) = (AnalyticsHarness::open().await, AnalyticsHarness::open().await);
    let events = mixed(100);
    once.deliver_all(&events).await;
    let mut shuffled: Vec<Event> = [events.clone(), events].concat();
    fastrand::shuffle(&mut shuffled);
    for batch in shuffled.chunks(37) {
        twice.deliver_all(batch).await;
    }
    let all = twice.summary_and_series().await;
    assert_eq!(all, once.summary_and_series().await);
    assert_eq!(all[0]["total_orders"], 100);
}

#[tokio::test]
async fn concurrent_batches_count_every_event_once() {
    let (alone, together) = (AnalyticsHarness::open().await, AnalyticsHarness::open().await);
    let events = mixed(60);
    alone.deliver_all(&events).await;
    let batches = events.chunks(10).chain(events.chunks(15));
    join_all(batches.map(|batch| together.deliver_all(batch))).await;
    assert_eq!(together.summary_and_series().await, alone.summary_and_series().await);
}

#[tokio::test]
async fn a_batch_of_192_orders_needs_three_transactions() {
    let analytics = AnalyticsHarness::open().await;
    let time = at("10:00:00");
    let events: Vec<Event> =
        order_ids(192).into_iter().map(|order| confirmed(order, &[("A", 1)], time)).collect();
    let requests = analytics.service.requests_of(analytics.deliver_all(&events)).await;
    // All orders share five counters: the total, one SKU, and one minute, hour and day.
    assert_eq!(*requests.transactions_by_size(), [(100, 2), (7, 1)].into());
}
