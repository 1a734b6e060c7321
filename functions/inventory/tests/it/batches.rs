//! Many orders, few requests.

use std::collections::BTreeMap;

use orderflow_domain::{Event, OrderId};
use orderflow_messaging::Outcome;

use crate::support::{Stock, cancelled, is_retry, orders, placed};

#[tokio::test]
async fn ten_orders_for_one_sku_are_one_transaction_with_one_stock_update() {
    let stock = Stock::of(&[("A", 100)]).await;
    let orders = orders(10);
    let batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 2)])).collect();
    let requests = stock.requests_of(stock.done(&batch)).await;
    assert_eq!(requests.of("TransactWriteItems"), 1);
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(11, 1)]));
    assert_eq!(requests.of("BatchGetItem"), 1);
    assert_eq!(requests.total(), 2);
    assert_eq!(stock.level("A").await, Some((80, 20)));
    for order in orders {
        assert_eq!(stock.reservation(order).await.unwrap().outbox, "inventory.reserved");
    }
}

#[tokio::test]
async fn an_order_for_an_unknown_sku_fails_alone() {
    let stock = Stock::of(&[("A", 100)]).await;
    let orders = orders(10);
    let mut batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    batch[4] = placed(orders[4], &[("A", 1), ("NOBODY", 1)]);
    let outcomes = stock.handle(&batch).await;
    for (position, outcome) in outcomes.iter().enumerate() {
        assert_eq!(is_retry(outcome), position == 4, "{outcomes:?}");
    }
    assert_eq!(stock.level("A").await, Some((91, 9)));
    assert_eq!(stock.status(orders[4]).await, None);
}

#[tokio::test]
async fn an_order_for_too_many_units_is_refused_alone() {
    let stock = Stock::of(&[("A", 100)]).await;
    let orders = orders(10);
    let mut batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    batch[0] = placed(orders[0], &[("A", 101)]);
    stock.done(&batch).await;
    let refused = stock.reservation(orders[0]).await.unwrap();
    assert_eq!((refused.status.as_str(), refused.reason.as_deref()), ("rejected", Some("out_of_stock")));
    assert_eq!(refused.outbox, "inventory.rejected");
    assert_eq!(stock.level("A").await, Some((91, 9)));
}

/// Orders over several skus, more than a transaction takes.
fn many(orders: &[OrderId]) -> Vec<Event> {
    let skus = ["A", "B", "C", "D"];
    let event = |(number, order): (usize, &OrderId)| {
        let items: Vec<_> = (0..=number % 4).map(|sku| (skus[sku], 1)).collect();
        placed(*order, &items)
    };
    orders.iter().enumerate().map(event).collect()
}

#[tokio::test]
async fn a_batch_that_fits_into_no_transaction_takes_several() {
    let stock = Stock::of(&[("A", 1_000), ("B", 1_000), ("C", 1_000), ("D", 1_000)]).await;
    let orders = orders(250);
    let requests = stock.requests_of(stock.done(&many(&orders))).await;
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(62, 1), (100, 2)]));
    for (sku, units) in [("A", 250), ("B", 187), ("C", 124), ("D", 62)] {
        assert_eq!(stock.level(sku).await, Some((1_000 - units, units)), "{sku}");
    }
}

#[tokio::test]
async fn h02_an_order_gets_all_that_it_asks_for_or_nothing() {
    let stock = Stock::of(&[("A", 10), ("B", 1)]).await;
    let (all, none) = (OrderId::generate(), OrderId::generate());
    stock.done(&[placed(none, &[("A", 7), ("B", 2)]), placed(all, &[("A", 10), ("B", 1)])]).await;
    assert_eq!(stock.status(none).await.as_deref(), Some("rejected"));
    assert_eq!(stock.status(all).await.as_deref(), Some("reserved"));
    assert_eq!((stock.level("A").await, stock.level("B").await), (Some((0, 10)), Some((0, 1))));
}

#[tokio::test]
async fn what_a_batch_gives_back_it_can_give_out() {
    let stock = Stock::of(&[("A", 5)]).await;
    let (first, second) = (OrderId::generate(), OrderId::generate());
    stock.done(&[placed(first, &[("A", 5)])]).await;
    let requests = stock.requests_of(stock.done(&[placed(second, &[("A", 5)]), cancelled(first)])).await;
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(2, 1)]), "the level stays as it is");
    assert_eq!(stock.status(second).await.as_deref(), Some("reserved"));
    assert_eq!(stock.level("A").await, Some((0, 5)));
}

#[tokio::test]
async fn the_same_order_twice_in_a_batch_is_held_once() {
    let stock = Stock::of(&[("A", 5)]).await;
    let order = OrderId::generate();
    let event = placed(order, &[("A", 2)]);
    stock.done(&[event.clone(), event.clone(), event]).await;
    assert_eq!(stock.level("A").await, Some((3, 2)));
}

#[tokio::test]
async fn an_empty_batch_asks_nothing_of_the_store() {
    let stock = Stock::of(&[]).await;
    let requests = stock.requests_of(async {
        assert_eq!(stock.handle(&[]).await, Vec::<Outcome>::new());
    });
    assert_eq!(requests.await.total(), 0);
}
