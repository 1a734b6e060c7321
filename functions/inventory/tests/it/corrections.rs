//! Stock levels that an operator corrects.

use std::sync::Arc;

use orderflow_domain::{EventData, OrderId};
use orderflow_embedded::Fault;
use orderflow_inventory::EVENT_SOURCE;
use orderflow_testing::samples::{order_ids, product_created};
use serde_json::{Value, json};

use crate::harness::{InventoryHarness, placed};

fn level(sku: &str, available: i64, reserved: i64) -> Value {
    json!({"sku": sku, "available": available, "reserved": reserved})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_is_made_once_for_each_key() {
    let harness = Arc::new(InventoryHarness::with_stock(&[("A", 10)]).await);
    let adjust = json!({"adjust": -3});
    for (status, body) in harness.correct_at_once(20, Some("k1"), &adjust).await {
        assert_eq!((status, body), (200, level("A", 7, 0)));
    }
    harness.correct("A", Some("k2"), &adjust).await;
    harness.correct("A", None, &adjust).await;
    assert_eq!(harness.level("A").await, Some((1, 0)));
    assert_eq!(
        harness.correct("A", Some("k1"), &adjust).await,
        (200, level("A", 1, 0)),
        "the level as it is now"
    );
    let set = json!({"set": 50});
    assert_eq!(harness.correct("A", Some("k3"), &set).await, (200, level("A", 50, 0)));
    harness.correct("A", None, &json!({"adjust": -50})).await;
    assert_eq!(harness.correct("A", Some("k3"), &set).await, (200, level("A", 0, 0)));
}

#[tokio::test]
async fn h16_a_key_belongs_to_one_correction_of_one_sku() {
    let harness = InventoryHarness::with_stock(&[("A", 10), ("B", 10)]).await;
    harness.correct("A", Some("k1"), &json!({"adjust": 5})).await;
    for other in [json!({"adjust": 6}), json!({"set": 5})] {
        let (status, problem) = harness.correct("A", Some("k1"), &other).await;
        assert_eq!(
            (status, &problem["type"]),
            (422, &json!("urn:orderflow:problem:idempotency-key-reused")),
            "{problem}"
        );
    }
    assert_eq!(harness.correct("B", Some("k1"), &json!({"adjust": 6})).await, (200, level("B", 16, 0)));
    assert_eq!(harness.level("A").await, Some((15, 0)));
}

#[tokio::test]
async fn the_key_and_the_correction_are_written_in_one_transaction() {
    let harness = InventoryHarness::with_stock(&[("A", 10)]).await;
    let adjust = json!({"adjust": 5});
    let requests = harness.service.requests_of(async {
        assert_eq!(harness.correct("A", Some("k1"), &adjust).await.0, 200);
    });
    let requests = requests.await;
    assert_eq!(requests.transactions_by_size().iter().collect::<Vec<_>>(), [(&2, &1)]);
    assert_eq!((requests.of("PutItem"), requests.of("UpdateItem")), (0, 0));
    harness.fail_transactions(|_| Some(Fault::InternalServerError));
    assert_eq!(harness.correct("A", Some("k2"), &adjust).await.0, 503);
    harness.service.stop_failing();
    assert_eq!(harness.level("A").await, Some((15, 0)));
    assert_eq!(harness.correct("A", Some("k2"), &adjust).await, (200, level("A", 20, 0)));
}

#[tokio::test]
async fn a_correction_whose_answer_is_lost_is_made_once_when_repeated() {
    let harness = InventoryHarness::with_stock(&[("A", 3)]).await;
    let adjust = json!({"adjust": -3});
    harness.fail_transactions(|_| Some(Fault::LostAnswer));
    assert_eq!(harness.correct("A", Some("k1"), &adjust).await.0, 503);
    harness.service.stop_failing();
    assert_eq!(
        harness.correct("A", Some("k1"), &adjust).await,
        (200, level("A", 0, 0)),
        "the repeat is no second correction"
    );
}

#[tokio::test]
async fn a_refused_correction_can_be_repeated_under_its_key() {
    let harness = InventoryHarness::with_stock(&[("A", 2)]).await;
    let adjust = json!({"adjust": -3});
    let (status, problem) = harness.correct("A", Some("k1"), &adjust).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:orderflow:problem:insufficient-stock")));
    harness.correct("A", None, &json!({"adjust": 1})).await;
    assert_eq!(harness.correct("A", Some("k1"), &adjust).await, (200, level("A", 0, 0)));
}

#[tokio::test]
async fn a_correction_leaves_reserved_units_as_they_are() {
    let harness = InventoryHarness::with_stock(&[("A", 10)]).await;
    harness.deliver_all(&[placed(OrderId::generate(), &[("A", 4)])]).await;
    assert_eq!(harness.correct("A", None, &json!({"adjust": -7})).await.0, 409);
    assert_eq!(harness.correct("A", None, &json!({"set": 0})).await, (200, level("A", 0, 4)));
    assert_eq!(harness.correct("A", None, &json!({"set": 9})).await, (200, level("A", 9, 4)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_corrections_never_make_the_level_negative() {
    let harness = Arc::new(InventoryHarness::with_stock(&[("A", 25)]).await);
    let answers = harness.correct_at_once(20, None, &json!({"adjust": -2})).await;
    let made = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(made, 12, "{answers:?}");
    assert_eq!(harness.level("A").await, Some((1, 0)));
}

#[tokio::test]
async fn a_correction_emits_the_new_level_and_the_change() {
    let harness = InventoryHarness::with_stock(&[("A", 10)]).await;
    harness.deliver_all(&[placed(OrderId::generate(), &[("A", 4)])]).await;
    let mut emitted = Vec::new();
    for body in [json!({"adjust": -2}), json!({"set": 9}), json!({"set": 9})] {
        harness.correct("A", None, &body).await;
        let event = harness.service.last_event(&EVENT_SOURCE, "stock#A").await;
        let EventData::StockAdjusted(data) = event.data else { panic!("another event") };
        emitted.push((event.id, data.sku.to_string(), data.available, data.reserved, data.change));
    }
    let (ids, emitted): (Vec<_>, Vec<_>) =
        emitted.into_iter().map(|(id, sku, a, r, c)| (id, (sku, a, r, c))).unzip();
    let sku = || "A".to_owned();
    assert_eq!(emitted, [(sku(), 4, 4, -2), (sku(), 9, 4, 5), (sku(), 9, 4, 0)]);
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "each correction is an event of its own: {ids:?}");
}

#[tokio::test]
async fn the_first_stock_is_booked_once_even_when_a_correction_overtakes_it() {
    let [before, after] = order_ids(2)[..] else { unreachable!("there are two") };
    let (creation, adjust) = (product_created("NEW", 5), json!({"adjust": 10}));
    // A correction overtakes the creation; the product is known to the catalog.
    let harness = InventoryHarness::with_stock(&[]).await.with_catalog_product("NEW", 5);
    assert_eq!(harness.read("NEW").await, (200, level("NEW", 5, 0)));
    assert_eq!(harness.correct("NEW", None, &adjust).await, (200, level("NEW", 15, 0)));
    harness
        .deliver_all(&[placed(before, &[("NEW", 7)]), creation.clone(), placed(after, &[("NEW", 8)])])
        .await;
    harness.deliver_all(std::slice::from_ref(&creation)).await;
    assert_eq!(harness.level("NEW").await, Some((0, 15)));
    // Set first, then created.
    let harness = InventoryHarness::with_stock(&[]).await.with_catalog_product("NEW", 5);
    assert_eq!(harness.correct("NEW", None, &json!({"set": 2})).await, (200, level("NEW", 2, 0)));
    harness.deliver_all(&[creation]).await;
    assert_eq!(harness.level("NEW").await, Some((2, 0)));
    // A first stock of zero is a level too.
    let harness = InventoryHarness::with_stock(&[]).await;
    harness.deliver_all(&[product_created("EMPTY", 0), product_created("EMPTY", 7)]).await;
    assert_eq!(harness.read("EMPTY").await, (200, level("EMPTY", 0, 0)));
}

#[tokio::test]
async fn an_unknown_sku_cannot_be_corrected() {
    let harness = InventoryHarness::with_stock(&[]).await;
    for body in [json!({"adjust": 1}), json!({"set": 1})] {
        assert_eq!(harness.correct("UNKNOWN", Some("k1"), &body).await.0, 404);
    }
    assert_eq!(harness.read("UNKNOWN").await.0, 404);
}

#[tokio::test]
async fn a_transaction_conflict_during_a_correction_is_retried() {
    let harness = InventoryHarness::with_stock(&[("A", 1)]).await;
    let codes = vec!["TransactionConflict".to_owned(), "None".to_owned()];
    let mut faults = vec![Fault::TransactionCanceled(codes); 2];
    harness.fail_transactions(move |_| faults.pop());
    assert_eq!(harness.correct("A", Some("k1"), &json!({"adjust": 1})).await, (200, level("A", 2, 0)));
}
