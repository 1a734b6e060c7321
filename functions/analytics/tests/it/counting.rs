//! Batches of events are counted.

use futures::future::join_all;
use orderflow_analytics::ANALYTICS;
use orderflow_domain::{Event, OrderId};
use orderflow_store::{Value, text};
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
async fn a_batch_of_192_orders_is_counted_in_one_transaction() {
    let analytics = AnalyticsHarness::open().await;
    let time = at("10:00:00");
    let events: Vec<Event> =
        order_ids(192).into_iter().map(|order| confirmed(order, &[("A", 1)], time)).collect();
    let requests = analytics.service.requests_of(analytics.deliver_all(&events)).await;
    let sizes: Vec<(usize, u64)> =
        requests.transactions_by_size().iter().map(|(size, n)| (*size, *n)).collect();
    // The log of the window in which the orders were made, or of two, and the buffer.
    assert!(matches!(sizes[..], [(2 | 3, 1)]), "{sizes:?}");
    assert_eq!(analytics.summary().await["total_orders"], 192);
}

#[tokio::test]
async fn a_process_that_counts_alone_writes_two_items_for_a_batch_and_reads_none_again() {
    let analytics = AnalyticsHarness::open().await;
    let orders = order_ids(40);
    let placed: Vec<Event> =
        orders.iter().map(|order| order_placed(*order, &[("A", 1)], at("10:00:00"))).collect();
    let ended: Vec<Event> =
        orders.iter().map(|order| confirmed(*order, &[("A", 1)], at("10:00:01"))).collect();
    analytics.deliver_all(&placed[..10]).await;
    let later = async {
        for batch in placed[10..].chunks(10).chain(ended.chunks(10)) {
            analytics.deliver_all(batch).await;
        }
    };
    let requests = analytics.service.requests_of(later).await;
    assert_eq!(requests.of("TransactWriteItems"), 7);
    assert!(requests.of("Query") <= 1, "only the log of a new window is read: {requests:?}");
    assert_eq!((requests.of("PutItem"), requests.of("UpdateItem")), (0, 0));
    assert_eq!(analytics.summary().await["by_status"]["confirmed"], 40);
}

#[tokio::test]
async fn many_skus_and_orders_of_many_skus_are_counted() {
    let (analytics, again) = (AnalyticsHarness::open().await, AnalyticsHarness::open().await);
    let sku = |number: usize| format!("A-SKU-WITH-A-LONG-NAME-{number:04}");
    let mut events = Vec::new();
    for (number, order) in order_ids(60).into_iter().enumerate() {
        let skus: Vec<String> = (0..50).map(|line| sku((number * 7 + line) % 300)).collect();
        let items: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 2)).collect();
        let minute = number % 60;
        events.push(order_placed(order, &items, at(&format!("10:{minute:02}:00"))));
        events.push(confirmed(order, &items, at(&format!("11:{minute:02}:00"))));
    }
    analytics.deliver_all(&events).await;
    for batch in events.chunks(7) {
        again.deliver_all(batch).await;
    }
    let (table, mut units) = (analytics.service.store.table(&ANALYTICS), 0);
    let (items, _) = table.scan(None).await.unwrap();
    for item in items.iter().filter(|item| text(item, "sk").unwrap().starts_with("sku#")) {
        let Value::N(quantity) = &item["quantity"] else { panic!("{item:?}") };
        units += quantity.parse::<i64>().unwrap();
    }
    assert!(units > 0 && units <= 60 * 50 * 2, "what does not fit into a buffer is in the counters: {units}");
    let counted = analytics.summary_and_series().await;
    assert_eq!(counted[0]["revenue"]["amount"], 60 * 50 * 2 * 100);
    assert_eq!(again.summary_and_series().await, counted);
}
