//! Corrections on the condition of the level that the client has seen.

use std::sync::Arc;

use axum::http::Request;
use orderflow_domain::OrderId;
use orderflow_testing::service::{at_once, with_json};
use serde_json::{Value, json};

use crate::harness::{InventoryHarness, placed};

const PATH: &str = "/api/v1/inventory/A";

async fn correct(harness: &InventoryHarness, key: &str, if_match: &str, correction: &Value) -> u16 {
    let request = Request::post(PATH).header("if-match", if_match).header("idempotency-key", key);
    harness.client.send(with_json(request, correction)).await.0
}

#[tokio::test]
async fn a_level_is_corrected_only_in_the_version_that_if_match_names() {
    let harness = InventoryHarness::with_stock(&[("A", 10)]).await;
    let (etag, set) = (harness.client.etag(PATH).await, json!({"set": 5}));
    for (if_match, status) in [("\"999\"", 412), ("999", 400)] {
        assert_eq!(correct(&harness, "k1", if_match, &set).await, status);
    }
    assert_eq!(harness.level("A").await, Some((10, 0)));
    assert_eq!(correct(&harness, "k1", &etag, &set).await, 200);
    assert_eq!(
        correct(&harness, "k1", &etag, &set).await,
        200,
        "a repeat under its key is answered as before"
    );
    assert_eq!(correct(&harness, "k2", &etag, &json!({"adjust": 1})).await, 412);
    let etag = harness.client.etag(PATH).await;
    harness.deliver_all(&[placed(OrderId::generate(), &[("A", 2)])]).await;
    assert_eq!(correct(&harness, "k2", &etag, &json!({"adjust": 1})).await, 412, "units were reserved");
    assert_eq!(correct(&harness, "k2", "*", &json!({"adjust": 1})).await, 200);
    assert_eq!(harness.level("A").await, Some((4, 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_corrections_of_the_same_version_is_made() {
    let harness = Arc::new(InventoryHarness::with_stock(&[("A", 10)]).await);
    let etag = harness.client.etag(PATH).await;
    let correct = |number: u32| {
        let (harness, etag) = (harness.clone(), etag.clone());
        async move { correct(&harness, &format!("k{number}"), &etag, &json!({"adjust": 1})).await }
    };
    let statuses = at_once(0..10, correct).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 9, "{statuses:?}");
    assert_eq!(harness.level("A").await, Some((11, 0)));
}
