//! The bundles of the HTTP API.

use serde_json::{Value, json};

use crate::api::Api;
use crate::facts::{order_body, product_body};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_intake_answers_the_http_api() {
    let world = World::open().await;
    let intake = Api(world.start("order-intake").await);

    let health = intake.get("/health").await.expect(200);
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["services"], json!({"store": "up"}));

    let answer = intake.post("/api/v1/orders", &order_body("MUG", 1)).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem = answer.expect(422);
    assert_eq!(problem["type"], "urn:orderflow:problem:unknown-product");

    let shop = Api(world.start("shop-api").await);
    shop.post("/api/v1/products", &product_body("MUG", 5)).await.expect(201);
    let answer = intake.post("/api/v1/orders", &order_body("MUG", 2)).await;
    let location = answer.headers["location"].as_str().unwrap().to_owned();
    let order = answer.expect(202);
    assert_eq!(order["status"], "pending");
    assert_eq!(intake.get(&location).await.expect(200), order);

    let encoded = intake.post_in_base64("/api/v1/orders", &order_body("MUG", 1)).await.expect(202);
    let listed = intake.get("/api/v1/orders?customer_id=C100&status=pending&limit=1").await.expect(200);
    assert_eq!(listed["orders"][0]["id"], encoded["id"]);
    assert!(listed["next_cursor"].is_string(), "{listed}");

    assert_eq!(intake.delete(&location).await.expect(200)["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_problems_and_not_failures_of_the_function() {
    let world = World::open().await;
    let intake = Api(world.start("order-intake").await);
    let (path, json) = ("/api/v1/orders", "application/json");
    let order = order_body("MUG", 1).to_string();
    let answers = [
        (intake.get("/api/v1/nothing").await, 404, "not-found"),
        (intake.delete(path).await, 405, "method-not-allowed"),
        (intake.post_text(path, json, "{not json").await, 400, "malformed-request"),
        (intake.post_text(path, json, "").await, 400, "malformed-request"),
        (intake.post_text(path, "text/plain", &order).await, 415, "unsupported-media-type"),
        (intake.post_text(path, json, &" ".repeat(65 * 1024)).await, 413, "payload-too-large"),
        (intake.post(path, &order_body("MUG", -1)).await, 422, "invalid-request"),
        (intake.get("/api/v1/orders?sku=\"").await, 400, "malformed-request"),
        (intake.get("/api/v1/orders?sku=<a b>").await, 400, "malformed-request"),
        (intake.get("/api/v1/products/..%2Forders").await, 400, "malformed-request"),
        (intake.get("/api/v1/products/%2e%2e/orders").await, 400, "malformed-request"),
        (intake.get("/api/v1/products/..\\orders").await, 400, "malformed-request"),
    ];
    assert_eq!(intake.get("/api/v1/orders").await.status, 200);
    for (answer, status, slug) in answers {
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{answer:?}");
        assert_eq!(answer.expect(status)["type"], format!("urn:orderflow:problem:{slug}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shop_api_answers_the_http_api() {
    let world = World::open().await;
    let shop = Api(world.start("shop-api").await);

    let answer = shop.post("/api/v1/products", &product_body("MUG", 5)).await;
    assert_eq!(answer.headers["location"], "/api/v1/products/MUG");
    let product = answer.expect(201);
    let encoded = shop.post_in_base64("/api/v1/products", &product_body("CUP", 1)).await.expect(201);
    let listed = shop.get("/api/v1/products?limit=10").await.expect(200);
    assert_eq!(listed["products"], json!([encoded, product]));

    shop.post("/api/v1/products", &product_body("MUG", 5)).await.expect(409);
    assert_eq!(shop.post("/api/v1/inventory/MUG", &json!({"set": 7})).await.expect(200)["available"], 7);
    let unknown = "00000000-0000-7000-8000-000000000000";
    let payments = shop.get(&format!("/api/v1/payments?order_id={unknown}")).await.expect(200);
    assert_eq!(payments, json!({"payments": [], "next_cursor": null}));
    let notifications = shop.get(&format!("/api/v1/notifications?order_id={unknown}")).await.expect(200);
    assert_eq!(notifications, json!({"notifications": []}));
    let summary = shop.get("/api/v1/analytics/summary").await.expect(200);
    assert_eq!((&summary["total_orders"], &summary["last_updated"]), (&json!(0), &Value::Null));
    let series = shop.get("/api/v1/analytics/series?bucket=hour").await.expect(200);
    assert_eq!(series["series"].as_array().map(Vec::len), Some(24));
}
