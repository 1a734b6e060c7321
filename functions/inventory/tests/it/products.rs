//! Skus that become known before, with, after and long after their first order.

use std::time::Duration;

use orderflow_domain::{OrderId, Timestamp};
use orderflow_messaging::{Consumer, Delivery, Outcome};

use crate::support::{Stock, again, created, is_retry, orders, placed, placed_ago};

#[tokio::test]
async fn a_product_that_comes_with_its_first_order_is_there_for_it() {
    let stock = Stock::of(&[]).await;
    let order = OrderId::generate();
    stock.done(&[placed(order, &[("NEW", 1)]), created("NEW", 1)]).await;
    assert_eq!(stock.level("NEW").await, Some((0, 1)));
}

#[tokio::test]
async fn a_product_that_comes_after_its_first_order_is_waited_for() {
    let stock = Stock::of(&[]).await;
    let order = OrderId::generate();
    let event = placed(order, &[("NEW", 1)]);
    assert!(is_retry(&stock.handle(std::slice::from_ref(&event)).await[0]));
    assert_eq!(stock.status(order).await, None);
    stock.done(&[created("NEW", 3)]).await;
    stock.done(&[event]).await;
    assert_eq!(stock.level("NEW").await, Some((2, 1)));
}

#[tokio::test]
async fn a_first_stock_is_booked_once() {
    let stock = Stock::of(&[("NEW", 3)]).await;
    stock.done(&[placed(OrderId::generate(), &[("NEW", 1)])]).await;
    stock.done(&[created("NEW", 3), created("NEW", 3)]).await;
    stock.done(&[created("NEW", 99)]).await;
    assert_eq!(stock.level("NEW").await, Some((2, 1)));
}

#[tokio::test]
async fn an_unknown_product_is_refused_when_the_wait_is_over() {
    let stock = Stock::of(&[]).await;
    let [young, old] = orders(2)[..] else { unreachable!("two were asked for") };
    let batch = [
        placed_ago(young, &[("NOBODY", 1)], Duration::from_secs(20)),
        placed_ago(old, &[("NOBODY", 1)], Duration::from_secs(30)),
    ];
    let outcomes = stock.handle(&batch).await;
    assert!(is_retry(&outcomes[0]) && outcomes[1] == Outcome::Done, "{outcomes:?}");
    assert_eq!(stock.status(young).await, None);
    let refused = stock.reservation(old).await.unwrap();
    assert_eq!((refused.status.as_str(), refused.reason.as_deref()), ("rejected", Some("unknown_product")));
}

#[tokio::test]
async fn an_order_that_lay_about_during_an_outage_waits_from_its_first_delivery() {
    let stock = Stock::of(&[]).await;
    let order = OrderId::generate();
    let event = placed_ago(order, &[("NEW", 1)], Duration::from_secs(3_600));
    let fresh =
        Delivery { event: event.clone(), attempt: 1, first_at: Timestamp::now(), last_attempt: false };
    assert!(is_retry(&stock.consumer.handle(&[fresh]).await[0]));
    stock.done(&[created("NEW", 1), event]).await;
    assert_eq!(stock.level("NEW").await, Some((0, 1)));
}

#[tokio::test]
async fn an_unknown_product_is_refused_at_the_last_attempt() {
    let stock = Stock::of(&[]).await;
    let order = OrderId::generate();
    let event = placed(order, &[("NOBODY", 1)]);
    // The order told again can still wait, the first telling of it cannot.
    let batch = [
        Delivery { event: again(event.clone(), 1), attempt: 1, first_at: event.time, last_attempt: false },
        Delivery { first_at: event.time, event, attempt: 12, last_attempt: true },
    ];
    assert_eq!(stock.consumer.handle(&batch).await, [Outcome::Done, Outcome::Done]);
    assert_eq!(stock.reservation(order).await.unwrap().reason.as_deref(), Some("unknown_product"));
}
