//! Changes on the condition of the version that the client has.

use axum::http::Request;
use orderflow_testing::service::{at_once, with_json, without_body};
use serde_json::{Value, json};

use crate::harness::CatalogHarness;

const PATH: &str = "/api/v1/products/A";

async fn patch(harness: &CatalogHarness, if_match: &str, patch: &Value) -> (u16, Value) {
    harness.send(with_json(Request::patch(PATH).header("if-match", if_match), patch)).await
}

async fn remove(harness: &CatalogHarness, if_match: &str) -> u16 {
    harness.send(without_body(Request::delete(PATH).header("if-match", if_match))).await.0
}

#[tokio::test]
async fn a_product_is_changed_only_in_the_version_that_if_match_names() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let first = harness.client.etag(PATH).await;
    let renamed = json!({"name": "Renamed"});
    for (if_match, status) in [("\"999\"", 412), ("999", 400), ("*, \"1\"", 400)] {
        let requests = harness.service.requests_of(async {
            let (found, problem) = patch(&harness, if_match, &renamed).await;
            assert_eq!((found, &problem["status"]), (status, &status.into()), "{problem}");
            assert_eq!(remove(&harness, if_match).await, status);
            // A patch that changes nothing fails its precondition too.
            assert_eq!(patch(&harness, if_match, &json!({})).await.0, status);
        });
        assert_eq!(requests.await.of("PutItem"), 0, "{if_match}");
    }
    assert_eq!(patch(&harness, &first, &renamed).await.0, 200);
    assert_eq!(remove(&harness, &first).await, 412, "the product has a new version");
    assert_eq!(patch(&harness, "*", &json!({"name": "Again"})).await.0, 200);
    let current = harness.client.etag(PATH).await;
    assert_eq!(remove(&harness, &current).await, 204);
    assert_eq!(remove(&harness, "*").await, 412, "a removed product has no version");
    assert_eq!(patch(&harness, "*", &renamed).await.0, 404);
    harness.create("A", 100).await;
    assert_eq!(patch(&harness, &first, &renamed).await.0, 412, "a product created again has a new version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_changes_of_the_same_version_is_made() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let etag = harness.client.etag(PATH).await;
    let change = |number: u32| {
        let (harness, etag) = (harness.clone(), etag.clone());
        async move { patch(&harness, &etag, &json!({"name": format!("Name {number}")})).await.0 }
    };
    let statuses = at_once(0..10, change).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 9, "{statuses:?}");
}

#[tokio::test]
async fn a_read_of_the_version_that_the_client_has_is_not_modified() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let etag = harness.client.etag(PATH).await;
    let read = |tag: &str| harness.send(without_body(Request::get(PATH).header("if-none-match", tag)));
    assert_eq!(read(&etag).await, (304, Value::Null));
    harness.patch("A", &json!({"name": "Renamed"})).await;
    assert_eq!(read(&etag).await.0, 200);
}
