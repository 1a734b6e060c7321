//! Listings that are read page by page while orders are placed.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;

use crate::harness::IntakeHarness;

const SKUS: [&[&str]; 3] = [&["A"], &["B"], &["B", "A"]];

struct Placed {
    id: String,
    customer_id: &'static str,
    status: &'static str,
    skus: &'static [&'static str],
}

/// Places orders of two customers, in two statuses, for one sku or both. Returns them oldest first.
async fn place(harness: &IntakeHarness) -> Vec<Placed> {
    let mut placed = Vec::new();
    for number in 0..24 {
        let (customer_id, skus) = (["alice", "bob"][number % 2], SKUS[number % 3]);
        let id = harness.order(customer_id, skus).await;
        let status = if number % 4 == 0 { "cancelled" } else { "pending" };
        if status == "cancelled" {
            assert_eq!(harness.cancel(&id).await.0, 200);
        }
        placed.push(Placed { id, customer_id, status, skus });
    }
    placed
}

/// A filter by those of these that are set.
#[derive(Debug, Clone, Copy)]
struct Filter {
    customer_id: Option<&'static str>,
    status: Option<&'static str>,
    sku: Option<&'static str>,
}

impl Filter {
    fn every() -> Vec<Self> {
        let mut filters = Vec::new();
        for customer_id in [None, Some("alice")] {
            for status in [None, Some("pending"), Some("cancelled")] {
                for sku in [None, Some("A"), Some("B")] {
                    filters.push(Self { customer_id, status, sku });
                }
            }
        }
        filters
    }

    fn matches(self, order: &Placed) -> bool {
        self.customer_id.is_none_or(|customer_id| customer_id == order.customer_id)
            && self.status.is_none_or(|status| status == order.status)
            && self.sku.is_none_or(|sku| order.skus.contains(&sku))
    }

    fn query(self) -> String {
        let named = [("customer_id", self.customer_id), ("status", self.status), ("sku", self.sku)];
        let set = named.into_iter().filter_map(|(name, value)| Some(format!("{name}={}&", value?)));
        set.collect()
    }
}

/// Reads all pages of a listing.
async fn read_all(harness: &IntakeHarness, filter: Filter) -> Vec<Value> {
    let (mut orders, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = harness.page(&format!("{}limit=3{cursor}", filter.query())).await;
        orders.extend(page["orders"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return orders,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_lists_its_orders_once_and_newest_first_while_orders_are_placed() {
    let harness = Arc::new(IntakeHarness::open().await);
    let placed = place(&harness).await;
    let placing = tokio::spawn({
        let harness = harness.clone();
        async move {
            for number in 0..60 {
                harness.order("alice", SKUS[number % 3]).await;
                tokio::task::yield_now().await;
            }
        }
    });
    let readers = Filter::every().into_iter().map(|filter| {
        let harness = harness.clone();
        tokio::spawn(async move { (filter, read_all(&harness, filter).await) })
    });
    let listings = join_all(readers).await;
    placing.await.unwrap();
    for (filter, orders) in listings.into_iter().map(Result::unwrap) {
        let position = |order: &Value| (order["created_at"].to_string(), order["id"].to_string());
        let positions: Vec<_> = orders.iter().map(position).collect();
        assert!(positions.is_sorted_by(|a, b| a > b), "{filter:?}: {positions:?}");
        let is_old = |order: &&Value| placed.iter().any(|placed| order["id"] == placed.id);
        let found: Vec<&str> =
            orders.iter().filter(is_old).filter_map(|order| order["id"].as_str()).collect();
        let expected = placed.iter().rev().filter(|order| filter.matches(order));
        assert_eq!(found, expected.map(|order| order.id.as_str()).collect::<Vec<_>>(), "{filter:?}");
    }
}
