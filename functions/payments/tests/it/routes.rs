//! The HTTP routes.

use std::collections::BTreeSet;
use std::sync::Arc;

use orderflow_domain::OrderId;
use orderflow_messaging::Consumer;
use orderflow_payments::PaymentStatus;
use orderflow_testing::samples::resent;
use orderflow_testing::service::last_delivery;
use serde_json::{Value, json};

use crate::harness::{PaymentsHarness, cancelled, rejected, reserved};
use crate::refusals::RefundsFail;

#[tokio::test]
async fn the_payment_of_an_order_is_listed() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved(order)]).await;
    let (status, body) = payments.client().get(&format!("/api/v1/payments?order_id={order}")).await;
    assert_eq!(status, 200);
    let payment = &body["payments"][0];
    assert_eq!(payment["order_id"], order.to_string());
    assert_eq!(payment["status"], "completed");
    assert_eq!(payment["amount"], 3998);
    assert_eq!(payment["currency"], "USD");
    assert!(payment["provider_id"].is_string() && payment["created_at"].is_string());
    assert_eq!(payment.as_object().unwrap().len(), 6, "no e-mail address and no telephone number");
}

#[tokio::test]
async fn an_order_without_charge_has_no_provider_id_and_an_unknown_one_no_payment() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[rejected(order, "out_of_stock")]).await;
    let (_, body) = payments.client().get(&format!("/api/v1/payments?order_id={order}")).await;
    assert_eq!(body["payments"][0]["provider_id"], Value::Null);
    assert_eq!(body["payments"][0]["status"], "voided");

    let unknown = OrderId::generate();
    let (status, body) = payments.client().get(&format!("/api/v1/payments?order_id={unknown}")).await;
    assert_eq!((status, body), (200, json!({"payments": [], "next_cursor": null})));
}

#[tokio::test]
async fn an_invalid_selection_is_refused_with_the_field_names() {
    let payments = PaymentsHarness::open().await;
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
        let (status, body) = payments.client().get(&format!("/api/v1/payments{query}")).await;
        assert_eq!(status, 422, "{query}");
        let errors = body["errors"].as_array().unwrap();
        let named: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{query}");
    }
}

/// Lists failed refunds. Returns the creation time and the order of each payment, and the number of pages.
async fn failed_refunds(payments: &PaymentsHarness, limit: usize) -> (Vec<(String, String)>, usize) {
    let (mut listed, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let uri = format!("/api/v1/payments?status=refund_failed&limit={limit}{cursor}");
        let (status, body) = payments.client().get(&uri).await;
        assert_eq!(status, 200, "{body}");
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
async fn failed_refunds_are_listed_newest_first_until_they_succeed() {
    let payments = PaymentsHarness::open().await;
    let failing = payments.consumer_with(Arc::new(RefundsFail(payments.gateway.clone())));
    assert_eq!(failed_refunds(&payments, 2).await, (vec![], 1));
    let mut failed = BTreeSet::new();
    for _ in 0..5 {
        let (failed_order, refunded_order) = (OrderId::generate(), OrderId::generate());
        payments.deliver(&[reserved(failed_order), reserved(refunded_order)]).await;
        failing.handle(&[last_delivery(cancelled(failed_order))]).await;
        payments.deliver(&[cancelled(refunded_order)]).await;
        failed.insert(failed_order.to_string());
    }
    let (listed, pages) = failed_refunds(&payments, 2).await;
    assert_eq!(pages, 3);
    assert_eq!(listed.iter().map(|(_, order)| order.clone()).collect::<BTreeSet<_>>(), failed);
    assert!(listed.is_sorted_by(|newer, older| newer > older), "{listed:?}");
    assert_eq!(failed_refunds(&payments, 5).await, (listed.clone(), 1));

    let retried = OrderId::parse(&listed[2].1).unwrap();
    payments.deliver(&[resent(&cancelled(retried), 1)]).await;
    assert_eq!(payments.status(retried).await, Some(PaymentStatus::Refunded));
    let left = [&listed[..2], &listed[3..]].concat();
    assert_eq!(failed_refunds(&payments, 2).await, (left, 2));
}
