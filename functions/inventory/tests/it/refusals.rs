//! Orders that are refused before, with and after they are held.

use orderflow_domain::OrderId;

use crate::support::{Stock, again, cancelled, placed};

#[tokio::test]
async fn a_refusal_before_its_order_leaves_a_tombstone() {
    let stock = Stock::of(&[("A", 5)]).await;
    let order = OrderId::generate();
    stock.done(&[cancelled(order)]).await;
    let tombstone = stock.reservation(order).await.unwrap();
    assert_eq!((tombstone.status.as_str(), tombstone.outbox.as_str()), ("released", "inventory.released"));
    stock.done(&[placed(order, &[("A", 2)])]).await;
    assert_eq!(stock.reservation(order).await, Some(tombstone), "the late order changes nothing");
    assert_eq!(stock.level("A").await, Some((5, 0)));
}

#[tokio::test]
async fn a_refusal_in_the_batch_of_its_order_wins_whichever_comes_first() {
    for refusal_first in [true, false] {
        let stock = Stock::of(&[("A", 5)]).await;
        let order = OrderId::generate();
        let mut batch = vec![placed(order, &[("A", 2)]), cancelled(order)];
        if refusal_first {
            batch.reverse();
        }
        stock.done(&batch).await;
        assert_eq!(stock.status(order).await.as_deref(), Some("released"));
        assert_eq!(stock.level("A").await, Some((5, 0)));
    }
}

#[tokio::test]
async fn a_refusal_that_comes_twice_gives_the_units_back_once() {
    let stock = Stock::of(&[("A", 5)]).await;
    let order = OrderId::generate();
    stock.done(&[placed(order, &[("A", 2)])]).await;
    assert_eq!(stock.level("A").await, Some((3, 2)));
    stock.done(&[cancelled(order), cancelled(order)]).await;
    stock.done(&[cancelled(order)]).await;
    assert_eq!(stock.level("A").await, Some((5, 0)));
    assert_eq!(stock.reservation(order).await.unwrap().version, 2);
}

#[tokio::test]
async fn the_refusal_of_an_order_that_was_short_gives_nothing_back() {
    let stock = Stock::of(&[("A", 1)]).await;
    let order = OrderId::generate();
    stock.done(&[placed(order, &[("A", 2)])]).await;
    stock.done(&[cancelled(order)]).await;
    assert_eq!(stock.status(order).await.as_deref(), Some("rejected"));
    assert_eq!(stock.level("A").await, Some((1, 0)));
}

#[tokio::test]
async fn whoever_asks_again_is_answered_again() {
    let stock = Stock::of(&[("A", 5)]).await;
    let (held, short, gone) = (OrderId::generate(), OrderId::generate(), OrderId::generate());
    let (placing, refusing) = (placed(held, &[("A", 2)]), cancelled(gone));
    let too_much = placed(short, &[("A", 99)]);
    stock.done(&[placing.clone(), too_much.clone(), refusing.clone()]).await;
    stock.done(&[again(placing, 3), again(too_much, 4), again(refusing, 5)]).await;
    for (order, answer) in
        [(held, "inventory.reserved@3"), (short, "inventory.rejected@4"), (gone, "inventory.released@5")]
    {
        let reservation = stock.reservation(order).await.unwrap();
        assert_eq!((reservation.outbox.as_str(), reservation.version), (answer, 2));
    }
    assert_eq!(stock.level("A").await, Some((3, 2)));
}
