//! Several consumers over one stock.

use futures::future::join_all;
use orderflow_domain::Event;
use orderflow_messaging::{Consumer, Outcome};

use crate::support::{Stock, cancelled, delivery, is_retry, orders, placed};

/// Handles a batch until all of it is done, as a queue does.
pub(crate) async fn until_done(stock: &Stock, mut events: Vec<Event>) {
    while !events.is_empty() {
        let batch: Vec<_> = events.iter().cloned().map(delivery).collect();
        let outcomes = stock.consumer.handle(&batch).await;
        let left = events.into_iter().zip(outcomes).filter(|(_, outcome)| *outcome != Outcome::Done);
        events = left.inspect(|(_, outcome)| assert!(is_retry(outcome))).map(|(event, _)| event).collect();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h01_consumers_that_race_for_a_sku_hold_no_more_than_there_is() {
    let stock = std::sync::Arc::new(Stock::of(&[("A", 50)]).await);
    let orders = orders(120);
    let workers = orders.chunks(6).map(|orders| {
        let events = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
        let stock = stock.clone();
        tokio::spawn(async move { until_done(&stock, events).await })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
    assert_eq!(stock.level("A").await, Some((0, 50)));
    let statuses = join_all(orders.iter().map(|order| stock.status(*order))).await;
    let count = |name: &str| statuses.iter().filter(|status| status.as_deref() == Some(name)).count();
    assert_eq!((count("reserved"), count("rejected")), (50, 70));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h04_reservations_and_releases_that_race_leave_the_counters_right() {
    let stock = std::sync::Arc::new(Stock::of(&[("A", 200), ("B", 200)]).await);
    let orders = orders(60);
    let placing = orders.chunks(5).map(|orders| -> Vec<Event> {
        orders.iter().map(|order| placed(*order, &[("A", 2), ("B", 1)])).collect()
    });
    let cancelling = orders[..30]
        .chunks(5)
        .map(|orders| -> Vec<Event> { orders.iter().map(|order| cancelled(*order)).collect() });
    // Every batch comes twice, to two workers.
    let batches: Vec<Vec<Event>> = placing.chain(cancelling).collect();
    let workers = batches.iter().chain(&batches).map(|events| {
        let (stock, events) = (stock.clone(), events.clone());
        tokio::spawn(async move { until_done(&stock, events).await })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
    assert_eq!(stock.level("A").await, Some((140, 60)));
    assert_eq!(stock.level("B").await, Some((170, 30)));
    for order in &orders[..30] {
        assert_eq!(stock.status(*order).await.as_deref(), Some("released"));
    }
}
