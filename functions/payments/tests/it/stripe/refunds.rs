//! Refunds of charges.

use axum::http::Request;
use orderflow_messaging::Outcome;
use orderflow_payments::{Charge, GatewayError, PaymentStatus};
use orderflow_testing::service::without_body;
use serde_json::{Value, json};

use super::stub::{Reply, StripeStub};
use super::{CANCEL, CONFIRM, READ, REFUND, REFUNDS, StripeHarness, charging, creating, refunded};
use crate::harness::cancelled;

/// Starts a stub whose intents are charged.
async fn charged() -> StripeStub {
    charging().await.on(READ, [Reply::intent("succeeded")])
}

fn refunded_charge() -> Reply {
    let charge = json!({"refunded": true});
    Reply::ok(&json!({"id": "pi_1", "status": "succeeded", "amount": 3998, "latest_charge": charge}))
}

/// Retries the refund as an operator.
async fn retry_refund(harness: &StripeHarness) -> (u16, Value) {
    let request = Request::post(format!("/api/v1/payments/{}/refund", harness.order));
    harness.payments.client_with(harness.gateway.clone()).send(without_body(request)).await
}

#[tokio::test]
async fn existing_refunds_are_read_before_one_is_created() {
    let effective = Reply::refunds(&[("failed", 3998), ("pending", 3998)]);
    let stub = charged().await.on(REFUNDS, [effective]);
    let harness = StripeHarness::start(stub).await;
    harness.charge().await.unwrap();
    assert_eq!(harness.reverse().await, refunded());
    assert_eq!(harness.count(REFUND), 0);
}

#[tokio::test]
async fn a_failed_refund_is_created_again_under_another_key() {
    let none = Reply::refunds(&[]);
    let failed = Reply::refunds(&[("failed", 3998)]);
    let (failed_at_once, pending) = (Reply::refund("failed", 3998), Reply::refund("pending", 3998));
    let refused = Reply::error(400, "balance_insufficient", "");
    let stub = charged().await.on(REFUNDS, [none.clone(), none, failed]);
    let harness = StripeHarness::start(stub.on(REFUND, [refused, failed_at_once, pending])).await;
    harness.charge().await.unwrap();
    for _ in 0..2 {
        let reversal = harness.reverse().await;
        assert!(matches!(reversal, Err(GatewayError::RefundFailed(_))), "{reversal:?}");
    }
    assert_eq!(harness.reverse().await, refunded());
    let received = harness.stub.received();
    let refunds: Vec<_> = received.iter().filter(|received| received.line == REFUND).collect();
    let keys: Vec<&str> = refunds.iter().map(|received| received.header("idempotency-key")).collect();
    let key = |failed| format!("{}:refund:{failed}", harness.order);
    assert_eq!(keys, [key(0), key(0), key(1)]);
    assert_eq!(refunds[0].form, format!("payment_intent=pi_1&metadata%5Border_id%5D={}", harness.order));
}

#[tokio::test]
async fn an_intent_charged_during_its_reversal_is_refunded() {
    let stub = creating().await.on(CONFIRM, [Reply::intent("processing")]);
    let stub = stub.on(REFUNDS, [Reply::refunds(&[("succeeded", 3998)])]);
    let stub = stub.on(READ, [Reply::intent("requires_confirmation"), refunded_charge()]);
    let harness =
        StripeHarness::start(stub.on(CANCEL, [Reply::error(400, "payment_intent_unexpected_state", "")]))
            .await;
    assert!(matches!(harness.charge().await, Err(GatewayError::Unknown(_))));
    assert_eq!(harness.reverse().await, refunded());
    assert_eq!(harness.charge().await, Ok(Charge::Reversed));
}

#[tokio::test]
async fn a_partly_refunded_charge_is_refunded_in_full() {
    let part = Reply::refunds(&[("succeeded", 1000), ("failed", 3998)]);
    let all = Reply::refunds(&[("pending", 2998), ("succeeded", 1000), ("failed", 3998)]);
    let stub = charged().await.on(REFUNDS, [part, all]).on(REFUND, [Reply::refund("pending", 2998)]);
    let harness = StripeHarness::start(stub).await;
    harness.charge().await.unwrap();
    for _ in 0..2 {
        assert_eq!(harness.reverse().await, refunded());
    }
    assert_eq!(harness.count(REFUND), 1);
    let received = harness.stub.received();
    let refund = received.iter().find(|received| received.line == REFUND).unwrap();
    assert_eq!(refund.form, format!("payment_intent=pi_1&metadata%5Border_id%5D={}", harness.order));
}

/// Starts with an order whose refund succeeded and fails later: Stripe then lists `lists` and answers new refunds with
/// `refunds`.
async fn refund_failed_later(lists: &[&[(&str, i64)]], refunds: &[Reply]) -> StripeHarness {
    let lists = [&[][..]].into_iter().chain(lists.iter().copied()).map(Reply::refunds);
    let refunds = [Reply::refund("pending", 3998)].into_iter().chain(refunds.iter().cloned());
    let stub = charged().await.on(REFUNDS, lists).on(REFUND, refunds);
    let harness = StripeHarness::start(stub).await;
    harness.deliver().await;
    assert_eq!(harness.deliver_event(cancelled(harness.order)).await, Outcome::Done);
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Refunded));
    harness
}

#[tokio::test]
async fn a_refund_that_fails_days_later_can_be_retried() {
    let lists: [&[(&str, i64)]; 2] = [&[("failed", 3998)], &[("pending", 3998), ("failed", 3998)]];
    let harness = refund_failed_later(&lists, &[Reply::refund("pending", 3998)]).await;
    for _ in 0..2 {
        let (status, payment) = retry_refund(&harness).await;
        assert_eq!((status, &payment["status"]), (200, &json!("refunded")));
    }
    assert_eq!(harness.count(REFUND), 2);
    assert_eq!(harness.payments.emitted_types().await, ["payment.completed", "payment.refunded"]);
}

#[tokio::test]
async fn h14_a_refund_that_failed_days_later_and_is_refused_again_is_not_reported_as_done() {
    let refused = Reply::error(400, "charge_disputed", "");
    let answers = [refused, Reply::refund("succeeded", 3998)];
    let harness = refund_failed_later(&[&[("failed", 3998)]], &answers).await;
    let (status, problem) = retry_refund(&harness).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("charge_disputed"), "{problem}");
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::RefundFailed));

    let (status, payment) = retry_refund(&harness).await;
    assert_eq!((status, &payment["status"]), (200, &json!("refunded")));
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Refunded));
}
