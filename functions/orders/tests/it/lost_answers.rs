//! Requests whose write the store refuses, or carries out without answering.

use orderflow_embedded::Fault;

use crate::harness::IntakeHarness;

#[tokio::test]
async fn h05_an_order_whose_answer_is_lost_is_placed_once() {
    for skus in [&["A"][..], &["A", "B"]] {
        let harness = IntakeHarness::open().await;
        harness.service.lose_answers_of_writes();
        let (status, problem) = harness.place("k1", skus).await;
        assert_eq!((status, &problem["type"]), (503, &"urn:orderflow:problem:unavailable".into()));
        harness.service.stop_failing();
        let (status, order) = harness.place("k1", skus).await;
        assert_eq!(status, 202);
        let orders = harness.orders().await;
        assert_eq!(orders.iter().map(|order| &order["id"]).collect::<Vec<_>>(), [&order["id"]]);
    }
}

#[tokio::test]
async fn an_order_that_could_not_be_stored_is_not_listed() {
    let harness = IntakeHarness::open().await;
    harness.service.fail("TransactWriteItems", |_| Some(Fault::ThroughputExceeded));
    assert_eq!(harness.place("k1", &["A", "B"]).await.0, 503);
    harness.service.stop_failing();
    assert!(harness.orders().await.is_empty());
    assert_eq!(harness.place("k1", &["A", "B"]).await.0, 202);
}

#[tokio::test]
async fn a_transaction_conflict_while_an_order_is_stored_is_retried() {
    let harness = IntakeHarness::open().await;
    let codes = vec!["TransactionConflict".to_owned(), "None".to_owned()];
    let mut faults = vec![Fault::TransactionCanceled(codes); 2];
    harness.service.fail("TransactWriteItems", move |_| faults.pop());
    assert_eq!(harness.place("k1", &["A", "B"]).await.0, 202);
    assert_eq!(harness.orders().await.len(), 1);
}

#[tokio::test]
async fn a_cancellation_whose_answer_is_lost_can_be_repeated() {
    let harness = IntakeHarness::open().await;
    let (_, order) = harness.place("k1", &["A"]).await;
    let id = order["id"].as_str().unwrap();
    harness.service.lose_answers_of_writes();
    assert_eq!(harness.cancel(id).await.0, 503);
    harness.service.stop_failing();
    let (status, order) = harness.cancel(id).await;
    assert_eq!((status, &order["status"]), (200, &"cancelled".into()));
}
