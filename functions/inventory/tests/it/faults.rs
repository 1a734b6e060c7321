//! Transactions that the store refuses, or whose answer is lost.

use std::collections::BTreeMap;

use orderflow_domain::{Event, OrderId};
use orderflow_embedded::Fault;
use orderflow_testing::samples::order_ids;
use orderflow_testing::service::is_retry;

use crate::harness::{InventoryHarness, actions, cancelled, placed};

/// Refuses every transaction that writes this order with `ValidationError`.
fn refuse(order: OrderId) -> impl FnMut(&serde_json::Value) -> Option<Fault> + Send + 'static {
    move |body| {
        let actions = actions(body);
        let bad = |action: &String| action.contains(&order.to_string()) && action.contains("Put");
        actions.iter().any(bad).then(|| {
            let code = |action| if bad(action) { "ValidationError" } else { "None" };
            Fault::TransactionCanceled(actions.iter().map(|action| code(action).to_owned()).collect())
        })
    }
}

#[tokio::test]
async fn an_order_that_the_store_refuses_is_retried_alone() {
    let harness = InventoryHarness::with_stock(&[("A", 100)]).await;
    let orders = order_ids(10);
    let batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    harness.fail_transactions(refuse(orders[3]));
    let before = harness.service.embedded.requests();
    let outcomes = harness.deliver(&batch).await;
    let requests = harness.service.embedded.requests().since(&before);
    for (position, outcome) in outcomes.iter().enumerate() {
        assert_eq!(is_retry(outcome), position == 3, "{outcomes:?}");
    }
    assert_eq!(
        *requests.transactions_by_size(),
        BTreeMap::from([(10, 1)]),
        "the other nine share a transaction"
    );
    assert_eq!(harness.level("A").await, Some((91, 9)));
    harness.service.stop_failing();
    harness.deliver_all(&batch).await;
    assert_eq!(harness.level("A").await, Some((90, 10)));
}

#[tokio::test]
async fn units_of_an_order_that_failed_are_available_to_the_next_one() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let (greedy, modest) = (OrderId::generate(), OrderId::generate());
    harness.fail_transactions(refuse(greedy));
    let outcomes = harness.deliver(&[placed(greedy, &[("A", 5)]), placed(modest, &[("A", 1)])]).await;
    assert!(is_retry(&outcomes[0]));
    assert_eq!(harness.status(modest).await.as_deref(), Some("reserved"));
    assert_eq!(harness.level("A").await, Some((4, 1)));
}

#[tokio::test]
async fn a_transaction_conflict_is_retried_with_the_whole_batch() {
    let harness = InventoryHarness::with_stock(&[("A", 100)]).await;
    let orders = order_ids(10);
    let batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    let mut conflicts = 3;
    harness.fail_transactions(move |body| {
        conflicts -= 1;
        (conflicts >= 0).then(|| {
            let mut codes = vec!["None".to_owned(); actions(body).len()];
            codes[0] = "TransactionConflict".to_owned();
            Fault::TransactionCanceled(codes)
        })
    });
    let requests = harness.service.requests_of(harness.deliver_all(&batch)).await;
    assert_eq!(requests.of("TransactWriteItems"), 4);
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(11, 1)]));
    assert_eq!(harness.level("A").await, Some((90, 10)));
}

#[tokio::test]
async fn h13_a_reservation_whose_answer_is_lost_takes_the_units_once() {
    let harness = InventoryHarness::with_stock(&[("A", 100)]).await;
    let batch: Vec<Event> = order_ids(4).into_iter().map(|order| placed(order, &[("A", 2)])).collect();
    harness.fail_transactions(|_| Some(Fault::LostAnswer));
    assert!(harness.deliver(&batch).await.iter().all(is_retry));
    harness.service.stop_failing();
    assert_eq!(harness.level("A").await, Some((92, 8)), "the store carried it out");
    harness.deliver_all(&batch).await;
    harness.deliver_all(&batch).await;
    assert_eq!(harness.level("A").await, Some((92, 8)));
}

#[tokio::test]
async fn a_release_whose_answer_is_lost_returns_the_units_once() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let order = OrderId::generate();
    harness.deliver_all(&[placed(order, &[("A", 3)])]).await;
    harness.fail_transactions(|_| Some(Fault::LostAnswer));
    assert!(is_retry(&harness.deliver(&[cancelled(order)]).await[0]));
    harness.service.stop_failing();
    harness.deliver_all(&[cancelled(order)]).await;
    assert_eq!(harness.level("A").await, Some((5, 0)));
    let released = harness.reservation(order).await.unwrap();
    assert_eq!((released.status.as_str(), released.version), ("released", 2));
}

#[tokio::test]
async fn every_delivery_is_retried_while_the_store_is_down() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let order = OrderId::generate();
    harness.service.fail_every_request();
    assert!(is_retry(&harness.deliver(&[placed(order, &[("A", 1)])]).await[0]));
    harness.service.stop_failing();
    assert_eq!(harness.status(order).await, None);
    assert_eq!(harness.level("A").await, Some((5, 0)));
}
