//! Orders for products whose `product.created` arrives before them, in the same batch, later, or never.

use std::time::Duration;

use orderflow_domain::{OrderId, Timestamp};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_testing::samples::{order_ids, product_created, resent};
use orderflow_testing::service::{first_delivery, is_retry, last_delivery};

use crate::harness::{InventoryHarness, placed, placed_ago};

#[tokio::test]
async fn a_product_created_in_the_batch_of_its_first_order_is_reserved() {
    let harness = InventoryHarness::with_stock(&[]).await;
    let order = OrderId::generate();
    harness.deliver_all(&[placed(order, &[("NEW", 1)]), product_created("NEW", 1)]).await;
    assert_eq!(harness.level("NEW").await, Some((0, 1)));
}

#[tokio::test]
async fn an_order_waits_for_a_product_that_is_created_later() {
    let harness = InventoryHarness::with_stock(&[]).await;
    let order = OrderId::generate();
    let event = placed(order, &[("NEW", 1)]);
    assert!(is_retry(&harness.deliver(std::slice::from_ref(&event)).await[0]));
    assert_eq!(harness.status(order).await, None);
    harness.deliver_all(&[product_created("NEW", 3)]).await;
    harness.deliver_all(&[event]).await;
    assert_eq!(harness.level("NEW").await, Some((2, 1)));
}

#[tokio::test]
async fn the_first_stock_is_booked_once() {
    let harness = InventoryHarness::with_stock(&[("NEW", 3)]).await;
    harness.deliver_all(&[placed(OrderId::generate(), &[("NEW", 1)])]).await;
    harness.deliver_all(&[product_created("NEW", 3), product_created("NEW", 3)]).await;
    harness.deliver_all(&[product_created("NEW", 99)]).await;
    assert_eq!(harness.level("NEW").await, Some((2, 1)));
}

#[tokio::test]
async fn an_unknown_product_is_rejected_when_the_wait_is_over() {
    let harness = InventoryHarness::with_stock(&[]).await;
    let [young, old] = order_ids(2)[..] else { unreachable!("there are two") };
    let batch = [
        placed_ago(young, &[("UNKNOWN", 1)], Duration::from_secs(20)),
        placed_ago(old, &[("UNKNOWN", 1)], Duration::from_secs(30)),
    ];
    let outcomes = harness.deliver(&batch).await;
    assert!(is_retry(&outcomes[0]) && outcomes[1] == Outcome::Done, "{outcomes:?}");
    assert_eq!(harness.status(young).await, None);
    let rejected = harness.reservation(old).await.unwrap();
    assert_eq!((rejected.status.as_str(), rejected.reason.as_deref()), ("rejected", Some("unknown_product")));
}

#[tokio::test]
async fn the_wait_for_an_unknown_product_begins_with_the_first_delivery() {
    let harness = InventoryHarness::with_stock(&[]).await;
    let order = OrderId::generate();
    let event = placed_ago(order, &[("NEW", 1)], Duration::from_secs(3_600));
    let fresh = Delivery { first_at: Timestamp::now(), ..first_delivery(event.clone()) };
    assert!(is_retry(&harness.consumer.handle(&[fresh]).await[0]));
    harness.deliver_all(&[product_created("NEW", 1), event]).await;
    assert_eq!(harness.level("NEW").await, Some((0, 1)));
}

#[tokio::test]
async fn an_unknown_product_is_rejected_at_the_last_attempt() {
    let harness = InventoryHarness::with_stock(&[]).await;
    let order = OrderId::generate();
    let event = placed(order, &[("UNKNOWN", 1)]);
    // The resent event could still wait; the original, at its last attempt, cannot.
    let batch = [first_delivery(resent(&event, 1)), last_delivery(event)];
    assert_eq!(harness.consumer.handle(&batch).await, [Outcome::Done, Outcome::Done]);
    assert_eq!(harness.reservation(order).await.unwrap().reason.as_deref(), Some("unknown_product"));
}
