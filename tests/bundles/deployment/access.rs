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
        (Some(admin), 202),
    ] {
        let answer =
            shop.send(Method::POST, "/orders", &order_body("PRODUCT-002", 1), token.as_deref()).await;
        assert_eq!(answer.status(), status, "{token:?}");
        let answer = shop.send(Method::GET, "/admin/queues", &Value::Null, token.as_deref()).await;
        assert_eq!(answer.status(), if status == 202 { 200 } else { status }, "{token:?}");
    }
    for open in ["/health", "/api/v1/products", "/api/v1/products/PRODUCT-002"] {
        assert_eq!(shop.get(open).await.status(), 200, "{open}");
    }
}
