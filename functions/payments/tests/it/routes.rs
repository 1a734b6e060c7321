//! The HTTP face.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use orderflow_domain::OrderId;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Payments, rejected, reserved};

async fn get(payments: &Payments, uri: &str) -> (StatusCode, Value) {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let router = axum::Router::from(orderflow_payments::router(&payments.store, payments.gateway.clone()));
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn the_payment_of_an_order_is_listed() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved(order)]).await;
    let (status, body) = get(&payments, &format!("/api/v1/payments?order_id={order}")).await;
    assert_eq!(status, StatusCode::OK);
    let payment = &body["payments"][0];
    assert_eq!(payment["order_id"], order.to_string());
    assert_eq!(payment["status"], "completed");
    assert_eq!(payment["amount"], 3998);
    assert_eq!(payment["currency"], "USD");
    assert!(payment["provider_id"].is_string() && payment["created_at"].is_string());
    assert_eq!(payment.as_object().unwrap().len(), 6, "no address leaks");
}

#[tokio::test]
async fn an_order_without_charge_has_no_provider_id_and_an_unknown_one_no_payment() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[rejected(order, "out_of_stock")]).await;
    let (_, body) = get(&payments, &format!("/api/v1/payments?order_id={order}")).await;
    assert_eq!(body["payments"][0]["provider_id"], Value::Null);
    assert_eq!(body["payments"][0]["status"], "voided");

    let unknown = OrderId::generate();
    let (status, body) = get(&payments, &format!("/api/v1/payments?order_id={unknown}")).await;
    assert_eq!((status, body), (StatusCode::OK, json!({"payments": []})));
}

#[tokio::test]
async fn the_order_has_to_be_named() {
    let payments = Payments::start().await;
    for query in ["", "?order_id=", "?order_id=42", "?order_id=ledger%23x"] {
        let (status, body) = get(&payments, &format!("/api/v1/payments{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(body["errors"][0]["field"], "order_id", "{query}");
    }
}
