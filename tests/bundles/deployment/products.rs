//! Products and stock in a deployed system.

use reqwest::Method;
use serde_json::{Value, json};

use super::shop::Shop;

/// Warms the cache, changes and removes a product, and corrects a stock level.
pub(super) async fn are_changed_and_counted(shop: &Shop) {
    let send = async |method: Method, path: &str, body: Value| {
        let answer = shop.send(method, path, &body, None).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    assert_eq!(send(Method::POST, "/admin/cache/warmup", json!({})).await, (200, json!({"warmed": 5})));
    let (status, product) = send(Method::PATCH, "/products/PRODUCT-003", json!({"name": "Keys"})).await;
    assert_eq!((status, &product["name"]), (200, &json!("Keys")));
    assert_eq!(send(Method::DELETE, "/products/PRODUCT-003", json!({})).await.0, 204);
    let level = json!({"sku": "PRODUCT-001", "available": 99, "reserved": 0});
    assert_eq!(send(Method::POST, "/inventory/PRODUCT-001", json!({"adjust": -1})).await, (200, level));
}
