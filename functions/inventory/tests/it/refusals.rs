//! Orders that are rejected or cancelled before, together with, and after their reservation.

use orderflow_domain::OrderId;
use orderflow_testing::samples::resent;

use crate::harness::{InventoryHarness, cancelled, placed};

#[tokio::test]
async fn a_refusal_that_arrives_before_its_order_leaves_a_tombstone() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let order = OrderId::generate();
    harness.deliver_all(&[cancelled(order)]).await;
    let tombstone = harness.reservation(order).await.unwrap();
    assert_eq!((tombstone.status.as_str(), tombstone.outbox.as_str()), ("released", "inventory.released"));
    harness.deliver_all(&[placed(order, &[("A", 2)])]).await;
    assert_eq!(harness.reservation(order).await, Some(tombstone), "the late order changes nothing");
    assert_eq!(harness.level("A").await, Some((5, 0)));
}

#[tokio::test]
async fn a_refusal_in_the_batch_of_its_order_wins_in_either_order() {
    for refusal_first in [true, false] {
        let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
        let order = OrderId::generate();
        let mut batch = vec![placed(order, &[("A", 2)]), cancelled(order)];
        if refusal_first {
            batch.reverse();
        }
        harness.deliver_all(&batch).await;
        assert_eq!(harness.status(order).await.as_deref(), Some("released"));
        assert_eq!(harness.level("A").await, Some((5, 0)));
    }
}

#[tokio::test]
async fn a_repeated_refusal_releases_the_units_once() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let order = OrderId::generate();
    harness.deliver_all(&[placed(order, &[("A", 2)])]).await;
    assert_eq!(harness.level("A").await, Some((3, 2)));
    harness.deliver_all(&[cancelled(order), cancelled(order)]).await;
    harness.deliver_all(&[cancelled(order)]).await;
    assert_eq!(harness.level("A").await, Some((5, 0)));
    assert_eq!(harness.reservation(order).await.unwrap().version, 2);
}

#[tokio::test]
async fn the_refusal_of_an_order_without_reservation_releases_nothing() {
    let harness = InventoryHarness::with_stock(&[("A", 1)]).await;
    let order = OrderId::generate();
    harness.deliver_all(&[placed(order, &[("A", 2)])]).await;
    harness.deliver_all(&[cancelled(order)]).await;
    assert_eq!(harness.status(order).await.as_deref(), Some("rejected"));
    assert_eq!(harness.level("A").await, Some((1, 0)));
}

#[tokio::test]
async fn a_resent_event_emits_the_answer_again() {
    let harness = InventoryHarness::with_stock(&[("A", 5)]).await;
    let (reserved, short, released) = (OrderId::generate(), OrderId::generate(), OrderId::generate());
    let (placing, refusing) = (placed(reserved, &[("A", 2)]), cancelled(released));
    let too_much = placed(short, &[("A", 99)]);
    harness.deliver_all(&[placing.clone(), too_much.clone(), refusing.clone()]).await;
    harness.deliver_all(&[resent(&placing, 3), resent(&too_much, 4), resent(&refusing, 5)]).await;
    for (order, answer) in [
        (reserved, "inventory.reserved@3"),
        (short, "inventory.rejected@4"),
        (released, "inventory.released@5"),
    ] {
        let reservation = harness.reservation(order).await.unwrap();
        assert_eq!((reservation.outbox.as_str(), reservation.version), (answer, 2));
    }
    assert_eq!(harness.level("A").await, Some((3, 2)));
}
