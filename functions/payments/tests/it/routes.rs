//! The HTTP face.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use orderflow_domain::OrderId;
use orderflow_messaging::Consumer;
use orderflow_payments::PaymentStatus;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::refusing::KeepsTheMoney;
use crate::support::{Payments, again, cancelled, last_delivery, rejected, reserved};

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
    assert_eq!((status, body), (StatusCode::OK, json!({"payments": [], "next_cursor": null})));
}

#[tokio::test]
async fn what_to_list_has_to_be_said() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    let cursor = "eyJsIjoib3JkZXJzPyYmIiwiYSI6IngifQ";
    for (query, fields) in [
        (String::new(), vec!["order_id", "status"]),
        ("?order_id=".to_owned(), vec!["order_id"]),
        ("?order_id=42".to_owned(), vec!["order_id"]),
        ("?order_id=ledger%23x".to_owned(), vec!["order_id"]),
        (format!("?order_id={order}&status=refund_failed"), vec!["status"]),
        (format!("?order_id={order}&cursor={cursor}"), vec!["cursor"]),
        ("?status=completed".to_owned(), vec!["status"]),
        (format!("?status=refund_failed&cursor={cursor}"), vec!["cursor"]),
    ] {
        let (status, body) = get(&payments, &format!("/api/v1/payments{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let errors = body["errors"].as_array().unwrap();
        let named: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{query}");
    }
}

/// The listing of failed refunds: when each payment was made and its order, and how many pages there are.
async fn refund_failed(payments: &Payments, limit: usize) -> (Vec<(String, String)>, usize) {
    let (mut listed, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let uri = format!("/api/v1/payments?status=refund_failed&limit={limit}{cursor}");
        let (status, body) = get(payments, &uri).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        for payment in body["payments"].as_array().unwrap() {
            assert_eq!(payment["status"], "refund_failed");
            let text = |field: &str| payment[field].as_str().unwrap().to_owned();
            listed.push((text("created_at"), text("order_id")));
        }
        pages += 1;
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (listed, pages),
        }
    }
}

#[tokio::test]
async fn refunds_that_failed_are_listed_newest_first_until_they_are_made() {
    let payments = Payments::start().await;
    let keeps = payments.worker(Arc::new(KeepsTheMoney(payments.gateway.clone())));
    assert_eq!(refund_failed(&payments, 2).await, (vec![], 1));
    let mut failed = BTreeSet::new();
    for _ in 0..5 {
        let (given_up, given_back) = (OrderId::generate(), OrderId::generate());
        payments.handle(&[reserved(given_up), reserved(given_back)]).await;
        keeps.handle(&[last_delivery(cancelled(given_up))]).await;
        payments.handle(&[cancelled(given_back)]).await;
        failed.insert(given_up.to_string());
    }
    let (listed, pages) = refund_failed(&payments, 2).await;
    assert_eq!(pages, 3);
    assert_eq!(listed.iter().map(|(_, order)| order.clone()).collect::<BTreeSet<_>>(), failed);
    assert!(listed.is_sorted_by(|newer, older| newer > older), "{listed:?}");
    assert_eq!(refund_failed(&payments, 5).await, (listed.clone(), 1));

    let made = OrderId::parse(&listed[2].1).unwrap();
    payments.handle(&[again(&cancelled(made), 1)]).await;
    assert_eq!(payments.status(made).await, Some(PaymentStatus::Refunded));
    let left = [&listed[..2], &listed[3..]].concat();
    assert_eq!(refund_failed(&payments, 2).await, (left, 2));
}
