//! Products that are read before anybody asks for them.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use orderflow_domain::Sku;
use serde_json::{Value, json};

use crate::support::{Shop, new_product, sku};

const PATH: &str = "/admin/cache/warmup";

/// A shop that sells A to E, seen by a process that has read nothing yet.
async fn cold() -> Shop {
    let shop = Shop::open().await;
    for text in ["A", "B", "C", "D", "E"] {
        shop.create(text, 100).await;
    }
    shop.remove("E").await;
    shop.elsewhere(Duration::from_secs(3_600))
}

/// Which of these skus are found without asking the store.
async fn warm(shop: &Shop) -> String {
    let mut warm = String::new();
    for text in ["A", "B", "C", "D"] {
        let requests = shop.requests_of(async { assert_eq!(shop.price(text).await, Some(100)) }).await;
        if requests.total() == 0 {
            warm.push_str(text);
        }
    }
    warm
}

#[tokio::test]
async fn those_that_are_named_are_warmed_up() {
    let shop = cold().await;
    let body = json!({"skus": ["a", "C", "A", "NOBODY", "E"]});
    assert_eq!(shop.send("POST", PATH, &body).await, (200, json!({"warmed": 2})));
    assert_eq!(warm(&shop).await, "AC");
    assert_eq!(shop.send("POST", PATH, &json!({"skus": []})).await, (200, json!({"warmed": 0})));
}

#[tokio::test]
async fn without_names_all_are() {
    let no_body = || Request::post(format!("/api/v1{PATH}")).body(Body::empty()).unwrap();
    let shop = cold().await;
    assert_eq!(warm(&shop).await, "", "nothing is read yet");
    let shop = cold().await;
    assert_eq!(shop.call(no_body()).await, (200, json!({"warmed": 4})));
    assert_eq!(warm(&shop).await, "ABCD");
    let shop = cold().await;
    assert_eq!(shop.send("POST", PATH, &json!({})).await, (200, json!({"warmed": 4})));
    assert_eq!(warm(&shop).await, "ABCD");
}

#[tokio::test]
async fn a_body_that_names_no_skus_is_refused() {
    let shop = cold().await;
    for (body, field) in [
        (json!({"skus": ["A", "no sku", "B"]}), "skus[1]"),
        (json!({"skus": "A"}), "skus"),
        (json!({"products": ["A"]}), "products"),
    ] {
        let (status, problem) = shop.send("POST", PATH, &body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &Value::from(field)), "{problem}");
    }
    let text = Request::post(format!("/api/v1{PATH}")).body(Body::from("{}")).unwrap();
    assert_eq!(shop.call(text).await.0, 415);
}

#[tokio::test]
async fn a_catalog_of_several_pages_is_warmed_up_to_its_end() {
    let shop = Shop::open().await;
    let skus: Vec<Sku> = (0..510).map(|number| sku(&format!("SKU-{number:03}"))).collect();
    for sku in &skus {
        shop.writer().create_if_absent(new_product(sku.as_str())).await.unwrap();
    }
    let elsewhere = shop.elsewhere(Duration::from_secs(3_600));
    assert_eq!(elsewhere.catalog.warm_up_all().await.unwrap(), skus.len());
    let requests = shop.requests_of(async {
        assert_eq!(elsewhere.catalog.find(&skus).await.unwrap().len(), skus.len());
    });
    assert_eq!(requests.await.total(), 0);
}
