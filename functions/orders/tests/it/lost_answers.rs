//! Requests whose write the store does not answer, or does not carry out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orderflow_embedded::Fault;
use serde_json::Value;

use crate::support::Intake;

fn is_write(operation: &str) -> bool {
    ["PutItem", "TransactWriteItems"].contains(&operation)
}

#[tokio::test]
async fn h05_an_order_whose_answer_is_lost_is_placed_once() {
    for skus in [&["A"][..], &["A", "B"]] {
        let intake = Intake::open().await;
        let loses = |operation: &str, _: &Value| is_write(operation).then_some(Fault::LostAnswer);
        intake.embedded.inject(Arc::new(loses));
        let (status, problem) = intake.place("k1", skus).await;
        assert_eq!((status, &problem["type"]), (503, &"urn:orderflow:problem:unavailable".into()));
        intake.embedded.stop_injecting();
        let (status, order) = intake.place("k1", skus).await;
        assert_eq!(status, 202);
        let orders = intake.orders().await;
        assert_eq!(orders.iter().map(|order| &order["id"]).collect::<Vec<_>>(), [&order["id"]]);
    }
}

#[tokio::test]
async fn an_order_that_could_not_be_stored_is_not_there() {
    let intake = Intake::open().await;
    let refuses = |operation: &str, _: &Value| is_write(operation).then_some(Fault::ThroughputExceeded);
    intake.embedded.inject(Arc::new(refuses));
    assert_eq!(intake.place("k1", &["A", "B"]).await.0, 503);
    intake.embedded.stop_injecting();
    assert!(intake.orders().await.is_empty());
    assert_eq!(intake.place("k1", &["A", "B"]).await.0, 202);
}

#[tokio::test]
async fn a_conflict_while_an_order_is_stored_is_tried_again() {
    let intake = Intake::open().await;
    let conflicts = AtomicUsize::new(0);
    let conflict = move |operation: &str, _: &Value| {
        let first = operation == "TransactWriteItems" && conflicts.fetch_add(1, Ordering::Relaxed) < 2;
        first.then(|| Fault::TransactionCanceled(vec!["TransactionConflict".to_owned(), "None".to_owned()]))
    };
    intake.embedded.inject(Arc::new(conflict));
    assert_eq!(intake.place("k1", &["A", "B"]).await.0, 202);
    assert_eq!(intake.orders().await.len(), 1);
}

#[tokio::test]
async fn a_cancellation_whose_answer_is_lost_is_there_when_asked_again() {
    let intake = Intake::open().await;
    let (_, order) = intake.place("k1", &["A"]).await;
    let id = order["id"].as_str().unwrap();
    let loses = |operation: &str, _: &Value| is_write(operation).then_some(Fault::LostAnswer);
    intake.embedded.inject(Arc::new(loses));
    assert_eq!(intake.cancel(id).await.0, 503);
    intake.embedded.stop_injecting();
    let (status, order) = intake.cancel(id).await;
    assert_eq!((status, &order["status"]), (200, &"cancelled".into()));
}
