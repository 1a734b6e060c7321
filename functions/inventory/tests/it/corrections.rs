//! Levels that are corrected by hand.

use std::sync::Arc;

use orderflow_domain::{EventData, OrderId};
use orderflow_embedded::Fault;
use orderflow_inventory::EVENT_SOURCE;
use orderflow_store::{OUTBOX, Outbox};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::support::{created, orders, placed};

fn level(sku: &str, available: i64, reserved: i64) -> Value {
    json!({"sku": sku, "available": available, "reserved": reserved})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_counts_once_for_each_key_however_many_send_it() {
    let desk = Arc::new(Desk::of(&[("A", 10)]).await);
    let adjust = json!({"adjust": -3});
    for (status, body) in desk.correct_at_once(20, Some("k1"), &adjust).await {
        assert_eq!((status, body), (200, level("A", 7, 0)));
    }
    desk.correct("A", Some("k2"), &adjust).await;
    desk.correct("A", None, &adjust).await;
    assert_eq!(desk.stock.level("A").await, Some((1, 0)));
    assert_eq!(
        desk.correct("A", Some("k1"), &adjust).await,
        (200, level("A", 1, 0)),
        "the level as it is now"
    );
    let set = json!({"set": 50});
    assert_eq!(desk.correct("A", Some("k3"), &set).await, (200, level("A", 50, 0)));
    desk.correct("A", None, &json!({"adjust": -50})).await;
    assert_eq!(desk.correct("A", Some("k3"), &set).await, (200, level("A", 0, 0)));
}

#[tokio::test]
async fn h16_a_key_stands_for_one_correction_of_one_sku() {
    let desk = Desk::of(&[("A", 10), ("B", 10)]).await;
    desk.correct("A", Some("k1"), &json!({"adjust": 5})).await;
    for other in [json!({"adjust": 6}), json!({"set": 5})] {
        let (status, problem) = desk.correct("A", Some("k1"), &other).await;
        assert_eq!(
            (status, &problem["type"]),
            (422, &json!("urn:orderflow:problem:idempotency-key-reused")),
            "{problem}"
        );
    }
    assert_eq!(desk.correct("B", Some("k1"), &json!({"adjust": 6})).await, (200, level("B", 16, 0)));
    assert_eq!(desk.stock.level("A").await, Some((15, 0)));
}

#[tokio::test]
async fn the_key_and_the_correction_are_one_transaction() {
    let desk = Desk::of(&[("A", 10)]).await;
    let adjust = json!({"adjust": 5});
    let requests = desk.stock.requests_of(async {
        assert_eq!(desk.correct("A", Some("k1"), &adjust).await.0, 200);
    });
    let requests = requests.await;
    assert_eq!(requests.transactions_by_size().iter().collect::<Vec<_>>(), [(&2, &1)]);
    assert_eq!((requests.of("PutItem"), requests.of("UpdateItem")), (0, 0));
    let broken = |_: &Value| Some(Fault::InternalServerError);
    desk.stock.fail_transactions(broken);
    assert_eq!(desk.correct("A", Some("k2"), &adjust).await.0, 503);
    desk.stock.embedded.stop_injecting();
    assert_eq!(desk.stock.level("A").await, Some((15, 0)));
    assert_eq!(desk.correct("A", Some("k2"), &adjust).await, (200, level("A", 20, 0)));
}

#[tokio::test]
async fn a_correction_whose_answer_is_lost_counts_once_when_it_is_repeated() {
    let desk = Desk::of(&[("A", 3)]).await;
    let adjust = json!({"adjust": -3});
    desk.stock.fail_transactions(|_| Some(Fault::LostAnswer));
    assert_eq!(desk.correct("A", Some("k1"), &adjust).await.0, 503);
    desk.stock.embedded.stop_injecting();
    assert_eq!(desk.correct("A", Some("k1"), &adjust).await, (200, level("A", 0, 0)), "no shortage");
}

#[tokio::test]
async fn what_was_refused_can_be_tried_again_under_its_key() {
    let desk = Desk::of(&[("A", 2)]).await;
    let adjust = json!({"adjust": -3});
    let (status, problem) = desk.correct("A", Some("k1"), &adjust).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:orderflow:problem:insufficient-stock")));
    desk.correct("A", None, &json!({"adjust": 1})).await;
    assert_eq!(desk.correct("A", Some("k1"), &adjust).await, (200, level("A", 0, 0)));
}

#[tokio::test]
async fn what_is_reserved_is_nobody_s_to_correct() {
    let desk = Desk::of(&[("A", 10)]).await;
    desk.stock.done(&[placed(OrderId::generate(), &[("A", 4)])]).await;
    assert_eq!(desk.correct("A", None, &json!({"adjust": -7})).await.0, 409);
    assert_eq!(desk.correct("A", None, &json!({"set": 0})).await, (200, level("A", 0, 4)));
    assert_eq!(desk.correct("A", None, &json!({"set": 9})).await, (200, level("A", 9, 4)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_corrections_as_many_are_made_as_there_are_units() {
    let desk = Arc::new(Desk::of(&[("A", 25)]).await);
    let answers = desk.correct_at_once(20, None, &json!({"adjust": -2})).await;
    let made = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(made, 12, "{answers:?}");
    assert_eq!(desk.stock.level("A").await, Some((1, 0)));
}

#[tokio::test]
async fn a_correction_tells_the_level_and_the_change() {
    let desk = Desk::of(&[("A", 10)]).await;
    desk.stock.done(&[placed(OrderId::generate(), &[("A", 4)])]).await;
    let mut told = Vec::new();
    for body in [json!({"adjust": -2}), json!({"set": 9}), json!({"set": 9})] {
        desk.correct("A", None, &body).await;
        let image: Value = desk.stock.item("stock#A").await;
        let outbox: Outbox = image[OUTBOX].as_str().unwrap().parse().unwrap();
        let image = serde_dynamo::to_item(image).unwrap();
        let event = (EVENT_SOURCE.build)(image, &outbox.emissions()[0]).unwrap();
        let EventData::StockAdjusted(data) = event.data else { panic!("another event") };
        told.push((event.id, data.sku.to_string(), data.available, data.reserved, data.change));
    }
    let (ids, told): (Vec<_>, Vec<_>) =
        told.into_iter().map(|(id, sku, a, r, c)| (id, (sku, a, r, c))).unzip();
    let sku = || "A".to_owned();
    assert_eq!(told, [(sku(), 4, 4, -2), (sku(), 9, 4, 5), (sku(), 9, 4, 0)]);
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "each is news: {ids:?}");
}

#[tokio::test]
async fn the_first_stock_is_booked_once_whatever_overtakes_it() {
    let [before, after] = orders(2)[..] else { unreachable!("two were asked for") };
    let (creation, adjust) = (created("NEW", 5), json!({"adjust": 10}));
    // A correction overtakes the creation; the product is known to the catalog.
    let desk = Desk::of(&[]).await.selling("NEW", 5);
    assert_eq!(desk.read("NEW").await, (200, level("NEW", 5, 0)));
    assert_eq!(desk.correct("NEW", None, &adjust).await, (200, level("NEW", 15, 0)));
    desk.stock.done(&[placed(before, &[("NEW", 7)]), creation.clone(), placed(after, &[("NEW", 8)])]).await;
    desk.stock.done(std::slice::from_ref(&creation)).await;
    assert_eq!(desk.stock.level("NEW").await, Some((0, 15)));
    // Set first, then created.
    let desk = Desk::of(&[]).await.selling("NEW", 5);
    assert_eq!(desk.correct("NEW", None, &json!({"set": 2})).await, (200, level("NEW", 2, 0)));
    desk.stock.done(&[creation]).await;
    assert_eq!(desk.stock.level("NEW").await, Some((2, 0)));
    // A first stock of none is a level too.
    let desk = Desk::of(&[]).await;
    desk.stock.done(&[created("EMPTY", 0), created("EMPTY", 7)]).await;
    assert_eq!(desk.read("EMPTY").await, (200, level("EMPTY", 0, 0)));
}

#[tokio::test]
async fn a_sku_that_nobody_sells_cannot_be_corrected() {
    let desk = Desk::of(&[]).await;
    for body in [json!({"adjust": 1}), json!({"set": 1})] {
        assert_eq!(desk.correct("NOBODY", Some("k1"), &body).await.0, 404);
    }
    assert_eq!(desk.read("NOBODY").await.0, 404);
}

#[tokio::test]
async fn a_conflict_while_a_level_is_corrected_is_tried_again() {
    let desk = Desk::of(&[("A", 1)]).await;
    let conflicts = std::sync::atomic::AtomicUsize::new(0);
    let conflict = move |operation: &str, _: &Value| {
        let first = operation == "TransactWriteItems"
            && conflicts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2;
        first.then(|| Fault::TransactionCanceled(vec!["TransactionConflict".to_owned(), "None".to_owned()]))
    };
    desk.stock.embedded.inject(Arc::new(conflict));
    assert_eq!(desk.correct("A", Some("k1"), &json!({"adjust": 1})).await, (200, level("A", 2, 0)));
}
