//! What the listing of orders reads from the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use serde_json::Value;

use crate::harness::IntakeHarness;

/// The most index entries whose orders one page reads.
const KEYS_MAX: u64 = 200;

/// The number of partitions over which the indexes by sku and by status, and that of all orders, are spread.
const SHARDS: u64 = 16;

/// Counts the index entries that queries ask for, and the orders that are read by their keys.
async fn count_reads(harness: &IntakeHarness, read: impl Future<Output = Value>) -> (Value, u64, u64) {
    let (entries, orders) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (entry_count, order_count) = (entries.clone(), orders.clone());
    harness.service.embedded.inject(Arc::new(move |operation: &str, body: &Value| {
        if operation == "Query" {
            entry_count.fetch_add(body["Limit"].as_u64().unwrap(), Ordering::Relaxed);
        }
        for table in body["RequestItems"].as_object().into_iter().flat_map(|tables| tables.values()) {
            order_count.fetch_add(table["Keys"].as_array().unwrap().len() as u64, Ordering::Relaxed);
        }
        None
    }));
    let page = read.await;
    harness.service.stop_failing();
    (page, entries.load(Ordering::Relaxed), orders.load(Ordering::Relaxed))
}

async fn place(harness: &IntakeHarness, count: usize) {
    place_for(harness, "alice", "A", count).await;
}

async fn place_for(harness: &IntakeHarness, customer: &str, sku: &str, count: usize) {
    for _ in 0..count / 10 {
        let skus = [sku];
        join_all((0..10).map(|_| harness.order(customer, &skus))).await;
    }
}

#[tokio::test]
async fn a_filter_that_matches_nothing_reads_a_bounded_part_of_its_listing_for_each_page() {
    let harness = IntakeHarness::open().await;
    let both = harness.order("alice", &["B"]).await;
    place_for(&harness, "alice", "A", 430).await;
    place_for(&harness, "bob", "B", 430).await;
    for filter in ["status=pending&sku=B&customer_id=alice", "sku=B&customer_id=alice"] {
        let (mut pages, mut found, mut cursor) = (0, Vec::new(), String::new());
        loop {
            let query = format!("{filter}&limit=20{cursor}");
            let (page, entries, orders) = count_reads(&harness, harness.page(&query)).await;
            pages += 1;
            found.extend(page["orders"].as_array().unwrap().iter().map(|order| order["id"].clone()));
            assert!(orders <= KEYS_MAX, "{filter}: {orders} orders were read for one page");
            assert!(entries <= 4 * KEYS_MAX, "{filter}: {entries} entries were read for one page");
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        // The first page reads orders of alice; from its end on, the listing of B has only one order left.
        assert_eq!(pages, 2, "{filter}: an empty page has a cursor while there is more to examine");
        assert_eq!(
            found,
            [Value::from(both.as_str())],
            "{filter}: what a short page left out is on a later one"
        );
    }
}

#[tokio::test]
async fn a_filter_of_which_one_part_matches_few_orders_reads_only_those() {
    let harness = IntakeHarness::open().await;
    place(&harness, 450).await;
    let cancelled = harness.order("alice", &["A"]).await;
    harness.cancel(&cancelled).await;
    place(&harness, 210).await;
    for (filter, expected) in [
        ("status=rejected&sku=A", Vec::new()),
        ("status=rejected&customer_id=alice", Vec::new()),
        ("sku=B&customer_id=alice", Vec::new()),
        ("status=cancelled&sku=A", vec![Value::from(cancelled.as_str())]),
    ] {
        let (page, entries, orders) = count_reads(&harness, harness.page(filter)).await;
        let found: Vec<Value> =
            page["orders"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect();
        assert_eq!(found, expected, "{filter}");
        assert!(orders <= 1 && page["next_cursor"].is_null(), "{filter}: {orders} orders were read");
        // Where nothing matches a part, only its index is read.
        assert!(!found.is_empty() || entries <= 4 * SHARDS, "{filter}: {entries} entries were read");
    }
}

#[tokio::test]
async fn a_page_does_not_read_its_whole_length_from_every_shard() {
    let harness = IntakeHarness::open().await;
    place(&harness, 450).await;
    for (query, limit) in [("limit=100", 100), ("limit=20", 20), ("sku=A&limit=50", 50)] {
        let (page, entries, orders) = count_reads(&harness, harness.page(query)).await;
        assert_eq!(page["orders"].as_array().unwrap().len(), limit, "{query}");
        let limit = limit as u64;
        assert_eq!(orders, limit + 1, "{query}");
        assert!(entries <= 3 * (limit + SHARDS), "{query}: {entries} entries");
    }
}
