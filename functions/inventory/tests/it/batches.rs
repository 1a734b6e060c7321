//! Orders of one batch share transactions.

use std::collections::BTreeMap;

use orderflow_domain::{Event, OrderId};
use orderflow_messaging::Outcome;
use orderflow_testing::samples::order_ids;
use orderflow_testing::service::is_retry;

use crate::harness::{InventoryHarness, cancelled, placed};

#[tokio::test]
async fn ten_orders_for_one_sku_are_one_transaction_with_one_stock_update() {
    let harness = InventoryHarness::with_stock(&[("A", 100)]).await;
    let orders = order_ids(10);
    let batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 2)])).collect();
    let requests = harness.service.requests_of(harness.deliver_all(&batch)).await;
    assert_eq!(requests.of("TransactWriteItems"), 1);
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(11, 1)]));
    assert_eq!(requests.of("BatchGetItem"), 1);
    assert_eq!(requests.total(), 2);
    assert_eq!(harness.level("A").await, Some((80, 20)));
    for order in orders {
        assert_eq!(harness.reservation(order).await.unwrap().outbox, "inventory.reserved");
    }
}

#[tokio::test]
async fn an_order_for_an_unknown_sku_fails_alone() {
    let harness = InventoryHarness::with_stock(&[("A", 100)]).await;
    let orders = order_ids(10);
    let mut batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    batch[4] = placed(orders[4], &[("A", 1), ("UNKNOWN", 1)]);
    let outcomes = harness.deliver(&batch).await;
    for (position, outcome) in outcomes.iter().enumerate() {
        assert_eq!(is_retry(outcome), position == 4, "{outcomes:?}");
    }
    assert_eq!(harness.level("A").await, Some((91, 9)));
    assert_eq!(harness.status(orders[4]).await, None);
}

#[tokio::test]
async fn an_order_for_too_many_units_is_refused_alone() {
    let harness = InventoryHarness::with_stock(&[("A", 100)]).await;
    let orders = order_ids(10);
    let mut batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    batch[0] = placed(orders[0], &[("A", 101)]);
    harness.deliver_all(&batch).await;
    let refused = harness.reservation(orders[0]).await.unwrap();
    assert_eq!((refused.status.as_str(), refused.reason.as_deref()), ("rejected", Some("out_of_stock")));
    assert_eq!(refused.outbox, "inventory.rejected");
    assert_eq!(harness.level("A").await, Some((91, 9)));
}

/// Returns orders over up to four skus each.
fn over_four_skus(orders: &[OrderId]) -> Vec<Event> {
    let skus = ["A", "B", "C", "D"];
    let event = |(number, order): (usize, &OrderId)| {
        let items: Vec<_> = (0..=number % 4).map(|sku| (skus[sku], 1)).collect();
        placed(*order, &items)
    };
    orders.iter().enumerate().map(event).collect()
}

#[tokio::test]
async fn a_batch_larger_than_a_transaction_is_committed_in_several() {
    let harness =
        InventoryHarness::with_stock(&[("A", 1_000), ("B", 1_000), ("C", 1_000), ("D", 1_000)]).await;
    let orders = order_ids(250);
    let requests = harness.service.requests_of(harness.deliver_all(&over_four_skus(&orders))).await;
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(62, 1), (100, 2)]));
    for (sku, units) in [("A", 250), ("B", 187), ("C", 124), ("D", 62)] {
        assert_eq!(harness.level(sku).await, Some((1_000 - units, units)), "{sku}");
    }
}

#[tokio::test]
async fn h02_all_lines_of_an_order_are_reserved_or_none() {
    let harness = InventoryHarness::with_stock(&[("A", 10), ("B", 1)]).await;
    let (all, none) = (OrderId::generate(), OrderId::generate());
    harness.deliver_all(&[placed(none, &[("A", 7), ("B", 2)]), placed(all, &[("A", 10), ("B", 1)])]).await;
    assert_eq!(harness.status(none).await.as_deref(), Some("rejected"));
    assert_eq!(harness.status(all).await.as_deref(), Some("reserved"));
    assert_eq!((harness.level("A").await, harness.level("B").await), (Some((0, 10)), Some((0, 1))));
}

#[tokio::test]
async fn units_released_in_a_batch_can_be_reserved_in_the_same_batch() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let (first, second) = (OrderId::generate(), OrderId::generate());
    harness.deliver_all(&[placed(first, &[("A", 5)])]).await;
    let requests = harness
        .service
        .requests_of(harness.deliver_all(&[placed(second, &[("A", 5)]), cancelled(first)]))
        .await;
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(2, 1)]), "the stock level is not written");
    assert_eq!(harness.status(second).await.as_deref(), Some("reserved"));
    assert_eq!(harness.level("A").await, Some((0, 5)));
}

#[tokio::test]
async fn an_order_repeated_in_a_batch_is_reserved_once() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let order = OrderId::generate();
    let event = placed(order, &[("A", 2)]);
    harness.deliver_all(&[event.clone(), event.clone(), event]).await;
    assert_eq!(harness.level("A").await, Some((3, 2)));
}

#[tokio::test]
async fn an_empty_batch_sends_no_request_to_the_store() {
    let harness = InventoryHarness::with_stock(&[]).await;
    let requests = harness.service.requests_of(async {
        assert_eq!(harness.deliver(&[]).await, Vec::<Outcome>::new());
    });
    assert_eq!(requests.await.total(), 0);
}
