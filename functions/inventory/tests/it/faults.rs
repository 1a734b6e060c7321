//! Transactions that the store does not carry out, or whose answer is lost.

use std::collections::BTreeMap;

use orderflow_domain::{Event, OrderId};
use orderflow_embedded::Fault;

use crate::support::{Stock, actions, cancelled, is_retry, orders, placed};

/// Refuses every transaction that writes this order, for a reason of the store's.
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
async fn an_order_that_the_store_refuses_fails_alone_and_at_once() {
    let stock = Stock::of(&[("A", 100)]).await;
    let orders = orders(10);
    let batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    stock.fail_transactions(refuse(orders[3]));
    let before = stock.embedded.requests();
    let outcomes = stock.handle(&batch).await;
    let requests = stock.embedded.requests().since(&before);
    for (position, outcome) in outcomes.iter().enumerate() {
        assert_eq!(is_retry(outcome), position == 3, "{outcomes:?}");
    }
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(10, 1)]), "the nine stay together");
    assert_eq!(stock.level("A").await, Some((91, 9)));
    stock.embedded.stop_injecting();
    stock.done(&batch).await;
    assert_eq!(stock.level("A").await, Some((90, 10)));
}

#[tokio::test]
async fn nobody_is_short_of_units_that_went_to_an_order_which_failed() {
    let stock = Stock::of(&[("A", 5)]).await;
    let (greedy, modest) = (OrderId::generate(), OrderId::generate());
    stock.fail_transactions(refuse(greedy));
    let outcomes = stock.handle(&[placed(greedy, &[("A", 5)]), placed(modest, &[("A", 1)])]).await;
    assert!(is_retry(&outcomes[0]));
    assert_eq!(stock.status(modest).await.as_deref(), Some("reserved"));
    assert_eq!(stock.level("A").await, Some((4, 1)));
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_not_split() {
    let stock = Stock::of(&[("A", 100)]).await;
    let orders = orders(10);
    let batch: Vec<Event> = orders.iter().map(|order| placed(*order, &[("A", 1)])).collect();
    let mut conflicts = 3;
    stock.fail_transactions(move |body| {
        conflicts -= 1;
        (conflicts >= 0).then(|| {
            let mut codes = vec!["None".to_owned(); actions(body).len()];
            codes[0] = "TransactionConflict".to_owned();
            Fault::TransactionCanceled(codes)
        })
    });
    let requests = stock.requests_of(stock.done(&batch)).await;
    assert_eq!(requests.of("TransactWriteItems"), 4);
    assert_eq!(*requests.transactions_by_size(), BTreeMap::from([(11, 1)]));
    assert_eq!(stock.level("A").await, Some((90, 10)));
}

#[tokio::test]
async fn h13_a_transaction_whose_answer_is_lost_holds_the_units_once() {
    let stock = Stock::of(&[("A", 100)]).await;
    let batch: Vec<Event> = orders(4).into_iter().map(|order| placed(order, &[("A", 2)])).collect();
    stock.fail_transactions(|_| Some(Fault::LostAnswer));
    assert!(stock.handle(&batch).await.iter().all(is_retry));
    stock.embedded.stop_injecting();
    assert_eq!(stock.level("A").await, Some((92, 8)), "it was carried out all the same");
    stock.done(&batch).await;
    stock.done(&batch).await;
    assert_eq!(stock.level("A").await, Some((92, 8)));
}

#[tokio::test]
async fn a_release_whose_answer_is_lost_gives_the_units_back_once() {
    let stock = Stock::of(&[("A", 5)]).await;
    let order = OrderId::generate();
    stock.done(&[placed(order, &[("A", 3)])]).await;
    stock.fail_transactions(|_| Some(Fault::LostAnswer));
    assert!(is_retry(&stock.handle(&[cancelled(order)]).await[0]));
    stock.embedded.stop_injecting();
    stock.done(&[cancelled(order)]).await;
    assert_eq!(stock.level("A").await, Some((5, 0)));
    let released = stock.reservation(order).await.unwrap();
    assert_eq!((released.status.as_str(), released.version), ("released", 2));
}

#[tokio::test]
async fn a_store_that_is_down_puts_everything_off() {
    let stock = Stock::of(&[("A", 5)]).await;
    let order = OrderId::generate();
    let down = |_: &str, _: &serde_json::Value| Some(Fault::InternalServerError);
    stock.embedded.inject(std::sync::Arc::new(down));
    assert!(is_retry(&stock.handle(&[placed(order, &[("A", 1)])]).await[0]));
    stock.embedded.stop_injecting();
    assert_eq!(stock.status(order).await, None);
    assert_eq!(stock.level("A").await, Some((5, 0)));
}
