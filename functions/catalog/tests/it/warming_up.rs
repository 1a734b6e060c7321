//! Products that are read into the cache before the first order needs them.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use orderflow_domain::Sku;
use orderflow_testing::samples::sku;
use orderflow_testing::service::without_body;
use serde_json::{Value, json};

use crate::harness::{CatalogHarness, new_product};

const PATH: &str = "/admin/cache/warmup";

/// Opens a catalog that sells A to D, and sold E before, as a process with an empty cache.
async fn cold() -> CatalogHarness {
    let harness = CatalogHarness::open().await;
    for text in ["A", "B", "C", "D", "E"] {
        harness.create(text, 100).await;
    }
    harness.remove("E").await;
    harness.another_process(Duration::from_secs(3_600))
}

/// Returns those of A to D that are found without a request to the store.
async fn cached(harness: &CatalogHarness) -> String {
    let mut cached = String::new();
    for text in ["A", "B", "C", "D"] {
        let requests =
            harness.service.requests_of(async { assert_eq!(harness.price(text).await, Some(100)) }).await;
        if requests.total() == 0 {
            cached.push_str(text);
        }
    }
    cached
}

#[tokio::test]
async fn the_named_products_are_read_into_the_cache() {
    let harness = cold().await;
    let body = json!({"skus": ["a", "C", "A", "UNKNOWN", "E"]});
    assert_eq!(harness.post(PATH, &body).await, (200, json!({"warmed": 2})));
    assert_eq!(cached(&harness).await, "AC");
    assert_eq!(harness.post(PATH, &json!({"skus": []})).await, (200, json!({"warmed": 0})));
}

#[tokio::test]
async fn all_products_are_read_into_the_cache_without_names() {
    let harness = cold().await;
    assert_eq!(cached(&harness).await, "", "the cache is empty");
    let harness = cold().await;
    assert_eq!(
        harness.send(without_body(Request::post(format!("/api/v1{PATH}")))).await,
        (200, json!({"warmed": 4}))
    );
    assert_eq!(cached(&harness).await, "ABCD");
    let harness = cold().await;
    assert_eq!(harness.post(PATH, &json!({})).await, (200, json!({"warmed": 4})));
    assert_eq!(cached(&harness).await, "ABCD");
}

#[tokio::test]
async fn an_invalid_body_is_refused() {
    let harness = cold().await;
    for (body, field) in [
        (json!({"skus": ["A", "no sku", "B"]}), "skus[1]"),
        (json!({"skus": "A"}), "skus"),
        (json!({"products": ["A"]}), "products"),
    ] {
        let (status, problem) = harness.post(PATH, &body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &Value::from(field)), "{problem}");
    }
    let text = Request::post(format!("/api/v1{PATH}")).body(Body::from("{}")).unwrap();
    assert_eq!(harness.send(text).await.0, 415);
}

#[tokio::test]
async fn all_pages_of_the_catalog_are_read_into_the_cache() {
    let harness = CatalogHarness::open().await;
    let skus: Vec<Sku> = (0..510).map(|number| sku(&format!("SKU-{number:03}"))).collect();
    for sku in &skus {
        harness.writer().create_if_absent(new_product(sku.as_str())).await.unwrap();
    }
    let other = harness.another_process(Duration::from_secs(3_600));
    assert_eq!(other.catalog.warm_up_all().await.unwrap(), skus.len());
    let requests = harness.service.requests_of(async {
        assert_eq!(other.catalog.find(&skus).await.unwrap().len(), skus.len());
    });
    assert_eq!(requests.await.total(), 0);
}
