//! Several consumers over one store.

use std::sync::Arc;

use futures::future::join_all;
use orderflow_domain::Event;
use orderflow_testing::samples::order_ids;

use crate::harness::{InventoryHarness, cancelled, placed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h01_racing_consumers_never_reserve_more_units_than_there_are() {
    let harness = Arc::new(InventoryHarness::with_stock(&[("A", 50)]).await);
    let orders = order_ids(120);
    let workers = orders.chunks(6).map(|orders| {
        let events = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
        let harness = harness.clone();
        tokio::spawn(async move { harness.deliver_until_done(events).await })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
    assert_eq!(harness.level("A").await, Some((0, 50)));
    let statuses = join_all(orders.iter().map(|order| harness.status(*order))).await;
    let count = |name: &str| statuses.iter().filter(|status| status.as_deref() == Some(name)).count();
    assert_eq!((count("reserved"), count("rejected")), (50, 70));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h04_racing_reservations_and_releases_keep_the_level_exact() {
    let harness = Arc::new(InventoryHarness::with_stock(&[("A", 200), ("B", 200)]).await);
    let orders = order_ids(60);
    let placing = orders.chunks(5).map(|orders| -> Vec<Event> {
        orders.iter().map(|order| placed(*order, &[("A", 2), ("B", 1)])).collect()
    });
    let cancelling = orders[..30]
        .chunks(5)
        .map(|orders| -> Vec<Event> { orders.iter().map(|order| cancelled(*order)).collect() });
    // Every batch is delivered twice, to two workers.
    let batches: Vec<Vec<Event>> = placing.chain(cancelling).collect();
    let workers = batches.iter().chain(&batches).map(|events| {
        let (harness, events) = (harness.clone(), events.clone());
        tokio::spawn(async move { harness.deliver_until_done(events).await })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
    assert_eq!(harness.level("A").await, Some((140, 60)));
    assert_eq!(harness.level("B").await, Some((170, 30)));
    for order in &orders[..30] {
        assert_eq!(harness.status(*order).await.as_deref(), Some("released"));
    }
}
