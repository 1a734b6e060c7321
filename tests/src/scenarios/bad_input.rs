//! Invalid requests: each gets a problem that names the field, and never a panic or a 500.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{Mode, TestApp, order_body};

/// Texts that the schema allows and that people cannot see: a bidirectional override and isolate, characters without width only, a line
/// separator, an unassigned and a private-use code point.
const UNSUITABLE_TEXTS: [&str; 6] =
    ["a\u{202e}b", "\u{2066}a", "\u{200b}\u{200d}", "a\u{2028}b", "a\u{378}", "\u{e000}"];

/// Invalid orders.
pub async fn orders<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    let with = |field: &str, value: Value| {
        let mut body = order_body("PRODUCT-001", 1);
        body[field] = value;
        body
    };
    let line = |sku: Value, quantity: Value| with("items", json!([{"sku": sku, "quantity": quantity}]));
    let lines =
        |count: usize| with("items", json!(vec![json!({"sku": "PRODUCT-001", "quantity": 1}); count]));
    for (body, fields) in [
        (with("customer_id", json!("")), &["customer_id"][..]),
        (with("customer_id", json!("x".repeat(65))), &["customer_id"]),
        (with("customer_id", json!(7)), &["customer_id"]),
        (with("email", json!("not-an-address")), &["email"]),
        (with("phone", json!("12")), &["phone"]),
        (with("payment_token", json!("")), &["payment_token"]),
        (with("total", json!({"amount": 1, "currency": "USD"})), &["total"]),
        (with("status", json!("confirmed")), &["status"]),
        (with("items", json!([])), &["items"]),
        (with("items", json!({})), &["items"]),
        (lines(51), &["items"]),
        (line(json!("bad sku"), json!(1)), &["items[0].sku"]),
        (line(json!("PRODUCT-001"), json!(0)), &["items[0].quantity"]),
        (line(json!("PRODUCT-001"), json!(-1)), &["items[0].quantity"]),
        (line(json!("PRODUCT-001"), json!(10_001)), &["items[0].quantity"]),
        (line(json!("PRODUCT-001"), json!(u64::MAX)), &["items[0].quantity"]),
        (line(json!("PRODUCT-001"), json!(1.5)), &["items[0].quantity"]),
        (line(json!("PRODUCT-001"), json!("1")), &["items[0].quantity"]),
        (line(json!("-"), json!(0)), &["items[0].sku", "items[0].quantity"]),
        (json!({}), &["customer_id"]),
        (with("items", json!([{"sku": "PRODUCT-001", "quantity": 1, "price": 1}])), &["items[0].price"]),
    ] {
        let answer = shop.post("/api/v1/orders", &body).await;
        answer.expect_problem(422, "invalid-request").expect_fields(fields);
    }
    for text in UNSUITABLE_TEXTS {
        let answer = shop.post("/api/v1/orders", &with("customer_id", json!(text))).await;
        answer.expect_problem(422, "text-not-suitable").expect_fields(&["customer_id"]);
    }
    let two_lines =
        json!([{"sku": "PRODUCT-002", "quantity": 6000}, {"sku": "product-002", "quantity": 6000}]);
    let answer = shop.post("/api/v1/orders", &with("items", two_lines)).await;
    answer.expect_problem(422, "quantity-exceeded").expect_fields(&["items[1].quantity"]);
    assert_eq!(shop.get("/api/v1/orders").await.expect(200).body["orders"], json!([]));
    shop.post("/api/v1/orders", &lines(50)).await.expect(202);
}

/// Bodies that are not JSON, or too large.
pub async fn limits<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    let send = |content_type: &'static str, body: Vec<u8>| {
        let shop = &shop;
        async move {
            shop.send("POST", "/api/v1/orders", &[("content-type", content_type)], Body::from(body)).await
        }
    };
    for broken in ["", "{", "{\"a\":}", "{} {}", "nul", "\u{feff}{}"] {
        send("application/json", broken.into()).await.expect_problem(400, "malformed-request");
    }
    send("application/json", vec![b'"', 0xff, b'"']).await.expect_problem(400, "malformed-request");
    send("text/plain", b"{}".to_vec()).await.expect_problem(415, "unsupported-media-type");
    let huge = format!("{{\"customer_id\":\"{}\"}}", "x".repeat(65 * 1024));
    send("application/json", huge.into()).await.expect_problem(413, "payload-too-large");
    let no_type = shop.send("POST", "/api/v1/orders", &[], Body::from("{}")).await;
    no_type.expect_problem(415, "unsupported-media-type");
    let with_charset = shop
        .send(
            "POST",
            "/api/v1/orders",
            &[("content-type", "application/json; charset=utf-8")],
            Body::from(order_body("PRODUCT-001", 1).to_string()),
        )
        .await;
    with_charset.expect(202);
}

/// Invalid products.
pub async fn products<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    let product = |sku: &str, amount: Value, currency: &str, stock: Value| json!({"sku": sku, "name": "A", "price": {"amount": amount, "currency": currency}, "stock": stock});
    for (body, field) in [
        (product("no good", json!(1), "USD", json!(1)), "sku"),
        (product("A", json!(-1), "USD", json!(1)), "price.amount"),
        (product("A", json!(19.99), "USD", json!(1)), "price.amount"),
        (product("A", json!(1), "US", json!(1)), "price.currency"),
        (product("A", json!(1), "USD", json!(-1)), "stock"),
        (json!({"sku": "A", "name": " ", "price": {"amount": 1, "currency": "USD"}}), "name"),
        (json!({"sku": "A", "name": "A", "price": {"amount": 1, "currency": "USD"}, "id": 1}), "id"),
    ] {
        let answer = shop.post("/api/v1/products", &body).await;
        answer.expect_problem(422, "invalid-request").expect_fields(&[field]);
    }
    for text in UNSUITABLE_TEXTS {
        let body = json!({"sku": "A", "name": text, "price": {"amount": 1, "currency": "USD"}});
        let answer = shop.post("/api/v1/products", &body).await;
        answer.expect_problem(422, "text-not-suitable").expect_fields(&["name"]);
        let answer = shop.patch("/api/v1/products/PRODUCT-001", &json!({"name": text})).await;
        answer.expect_problem(422, "text-not-suitable").expect_fields(&["name"]);
    }
    for currency in ["EUR", "XXX"] {
        let answer = shop.post("/api/v1/products", &product("A", json!(1), currency, json!(1))).await;
        answer.expect_problem(422, "currency-not-accepted").expect_fields(&["price.currency"]);
    }
    shop.post("/api/v1/products", &product("PRODUCT-001", json!(1), "USD", json!(1)))
        .await
        .expect_problem(409, "already-exists");
    let created = shop.post("/api/v1/products", &product("a.b", json!(0), "usd", json!(0))).await.expect(201);
    assert_eq!(created.header("location"), "/api/v1/products/A.B");
    shop.get("/api/v1/products/a.b").await.expect(200);
    shop.get("/api/v1/products/UNKNOWN").await.expect_problem(404, "not-found");
    let list = shop.get("/api/v1/products?limit=4").await.expect(200).body;
    assert_eq!(list["products"].as_array().map(Vec::len), Some(4));
    let cursor = list["next_cursor"].as_str().unwrap_or_default().to_owned();
    let rest = shop.get(&format!("/api/v1/products?cursor={cursor}")).await.expect(200).body;
    assert_eq!(rest["products"].as_array().map(Vec::len), Some(2));
}

/// Invalid stock corrections.
pub async fn stock<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    for body in [
        json!({}),
        json!({"adjust": 1, "set": 1}),
        json!({"adjust": "1"}),
        json!({"adjust": 1.5}),
        json!({"set": -1}),
        json!({"adjust": i64::MIN}),
        json!({"set": i64::MAX}),
        json!({"take": 1}),
    ] {
        shop.post("/api/v1/inventory/PRODUCT-001", &body).await.expect_problem(422, "invalid-request");
    }
    shop.get("/api/v1/inventory/UNKNOWN").await.expect_problem(404, "not-found");
    shop.get("/api/v1/inventory/no%20sku").await.expect_problem(404, "not-found");
    assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
}

/// Invalid query parameters.
pub async fn queries<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("status=done", "status"),
        ("sku=a%20b", "sku"),
        ("customer_id=", "customer_id"),
        ("page=2", "page"),
    ] {
        let answer = shop.get(&format!("/api/v1/orders?{query}")).await;
        answer.expect_problem(422, "invalid-request").expect_fields(&[field]);
    }
    for listing in ["orders?", "products?", "inventory?", "payments?status=refund_failed&"] {
        shop.get(&format!("/api/v1/{listing}cursor=")).await.expect(200);
        for cursor in ["x", "%00", "eyJsIjoib3JkZXJzPyYmIiwiYSI6IiJ9"] {
            let answer = shop.get(&format!("/api/v1/{listing}cursor={cursor}")).await;
            answer.expect_problem(422, "invalid-cursor").expect_fields(&["cursor"]);
        }
    }
    let order_id = "order_id=0190163d-8694-739b-aea5-966c26f8ad91";
    for (query, fields) in
        [("", &["order_id", "status"][..]), (&format!("{order_id}&status=refund_failed"), &["status"])]
    {
        let answer = shop.get(&format!("/api/v1/payments?{query}")).await;
        answer.expect_problem(422, "invalid-combination").expect_fields(fields);
    }
    shop.get("/api/v1/payments?order_id=7")
        .await
        .expect_problem(422, "invalid-request")
        .expect_fields(&["order_id"]);
}

/// An invalid order id is a 404.
pub async fn ids<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    for id in ["x", "7", "0190163d-8694-739b-aea5-966c26f8ad91", "%ff", "..%2f..", "0190163d86%00"] {
        shop.get(&format!("/api/v1/orders/{id}")).await.expect_problem(404, "not-found");
        shop.delete(&format!("/api/v1/orders/{id}")).await.expect_problem(404, "not-found");
        shop.get(&format!("/api/v1/orders/{id}/events")).await.expect_problem(404, "not-found");
    }
}

/// An unknown SKU in an order is named.
pub async fn unknown_sku<M: Mode>() {
    let shop: TestApp<M> = TestApp::open().await;
    let body = json!({"customer_id": "C1", "email": "c@example.com", "items": [
        {"sku": "PRODUCT-001", "quantity": 1}, {"sku": "UNKNOWN", "quantity": 1}]});
    let answer = shop.post("/api/v1/orders", &body).await;
    answer.expect_problem(422, "unknown-product").expect_fields(&["items[1].sku"]);
}
