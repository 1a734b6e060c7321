//! Access to a deployment that is not open.

use orderflow_testing::ministack::MiniStack;
use reqwest::Method;
use serde_json::{Value, json};

use super::deploy;
use super::issuer::{AUDIENCE, Issuer};
use crate::facts::order_body;
use crate::world::tool;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_deployment_requires_a_token_with_the_scope() {
    let issuer = Issuer::start().await;
    let admin = issuer.sign(&issuer.claims("admin"));
    let parameters = format!("OpenAccess=false JwtIssuer={} JwtAudience={AUDIENCE}", issuer.url);
    let stack = MiniStack::start_enforcing(&tool("ORDERFLOW_MINISTACK")).await.unwrap();
    let variables = vec![("ORDERFLOW_PARAMETERS", parameters), ("ORDERFLOW_TOKEN", admin.clone())];
    let shop = deploy(&stack, variables).await;

    let claims = |name: &str, value: Value| {
        let mut claims = issuer.claims("admin");
        claims[name] = value;
        Some(issuer.sign(&claims))
    };
    for (token, status) in [
        (None, 401),
        (Some("no token".to_owned()), 401),
        (Some(issuer.forger().sign(&issuer.claims("admin"))), 401),
        (claims("aud", json!("another-audience")), 401),
        (claims("iss", json!("https://tokens.example.com")), 401),
        (claims("exp", json!(1_000_000_000)), 401),
        (claims("scope", json!("orders")), 403),
        (Some(admin.clone()), 202),
    ] {
        let answer =
            shop.send(Method::POST, "/orders", &order_body("PRODUCT-002", 1), token.as_deref()).await;
        assert_eq!(answer.status(), status, "{token:?}");
        let answer = shop.send(Method::GET, "/admin/queues", &Value::Null, token.as_deref()).await;
        assert_eq!(answer.status(), if status == 202 { 200 } else { status }, "{token:?}");
    }
    let with_scope = |scope: &str| issuer.sign(&issuer.claims(scope));
    for (method, path, scope, status) in [
        (Method::GET, "/admin/queues", "operate", 200),
        (Method::GET, "/admin/queues", "catalog:write", 403),
        (Method::GET, "/payments?status=refund_failed", "orders:read", 200),
        (Method::GET, "/payments?status=refund_failed", "operate", 403),
        (Method::GET, "/inventory/PRODUCT-002", "inventory:write", 200),
        (Method::GET, "/inventory/PRODUCT-002", "", 403),
        (Method::DELETE, "/products/NONE", "catalog:write", 404),
        (Method::DELETE, "/products/NONE", "", 403),
        (Method::GET, "/templates", "messages:send", 200),
        (Method::GET, "/analytics/summary", "operate", 200),
        (Method::GET, "/analytics/summary", "messages:send", 403),
    ] {
        let answer = shop.send(method.clone(), path, &Value::Null, Some(&with_scope(scope))).await;
        assert_eq!(answer.status(), status, "{method} {path} {scope}");
    }
    // A customer has their own orders alone.
    let customer = with_scope("");
    let own = json!({"customer_id": "shop-backend", "email": "c@example.com", "items": [{"sku": "PRODUCT-002", "quantity": 1}]});
    assert_eq!(shop.send(Method::POST, "/orders", &own, Some(&customer)).await.status(), 202);
    let orders: Value =
        shop.send(Method::GET, "/orders", &Value::Null, Some(&customer)).await.json().await.unwrap();
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(1), "{orders}");
    for path in paths_to_what_is_closed() {
        for token in [None, Some(customer.as_str())] {
            let status = shop.get_raw(&path, token).await;
            assert!((400..500).contains(&status), "{path} {}: {status}", token.is_some());
        }
    }
    for open in ["/health", "/api/v1/products", "/api/v1/products/PRODUCT-002"] {
        assert_eq!(shop.get(open).await.status(), 200, "{open}");
    }
}

/// Returns ways to write the paths of closed operations so that they may look like a public one to the gateway.
fn paths_to_what_is_closed() -> Vec<String> {
    let closed = ["payments", "notifications", "admin/queues", "admin/dead-letters", "analytics/summary"];
    let ups = [
        "..%2F",
        "..%2f",
        "%2e%2e/",
        "%2E%2E/",
        "%2e%2e%2f",
        ".%2e/",
        "%2e./",
        "..%5c",
        "..%5C",
        "..\\",
        "%2e%2e%5c",
        "../",
        "..;/",
        "..%252f",
        "%252e%252e%252f",
        "..%255c",
        "%25252e%25252e%25252f",
        "..;a=b/",
        "%c0%ae%c0%ae/",
        "x/../../",
        "x%2f..%2f..%2f",
        "./../",
        "%2e/%2e%2e/",
        "..%c0%af",
        "..//",
        "/../",
        "%2F..%2F",
    ];
    let products = closed.iter().flat_map(|path| ups.map(|up| format!("/api/v1/products/{up}{path}")));
    let others = [
        "//api/v1/payments",
        "/API/V1/PAYMENTS",
        "/api/./v1/payments",
        "/api/v1/%2e/payments",
        "/api%2fv1%2fpayments",
        "/health/../api/v1/payments",
        "/docs/..%2fapi/v1/payments",
        "/x/..%5c..%5capi/v1/payments",
        "/api/v1//payments",
        "/api/v1/products/../payments?x=/api/v1/products",
        "/api/v1/%70ayments",
    ];
    products.chain(others.map(str::to_owned)).collect()
}
