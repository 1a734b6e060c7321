//! Charges that are given back.

use axum::http::StatusCode;
use orderflow_messaging::Outcome;
use orderflow_payments::{Charge, GatewayError, PaymentStatus};
use serde_json::{Value, json};

use super::stub::{Reply, StripeStub};
use super::{CANCEL, CONFIRM, READ, REFUND, REFUNDS, Shop, charging, making, refunded};
use crate::support::{cancelled, post};

/// A stub whose intents are charged.
async fn charged() -> StripeStub {
    charging().await.on(READ, [Reply::intent("succeeded")])
}

fn refunded_charge() -> Reply {
    let charge = json!({"refunded": true});
    Reply::ok(&json!({"id": "pi_1", "status": "succeeded", "amount": 3998, "latest_charge": charge}))
}

/// Has somebody ask for the refund once more.
async fn by_hand(shop: &Shop) -> (StatusCode, Value) {
    let router = orderflow_payments::router(&shop.payments.store, shop.gateway.clone());
    post(router.into(), &format!("/api/v1/payments/{}/refund", shop.order)).await
}

#[tokio::test]
async fn a_refund_is_looked_for_before_it_is_made() {
    let in_force = Reply::refunds(&[("failed", 3998), ("pending", 3998)]);
    let stub = charged().await.on(REFUNDS, [in_force]);
    let shop = Shop::start(stub).await;
    shop.charge().await.unwrap();
    assert_eq!(shop.undo().await, refunded());
    assert_eq!(shop.asked(REFUND), 0);
}

#[tokio::test]
async fn a_refund_that_failed_is_made_again_under_another_key() {
    let none = Reply::refunds(&[]);
    let failed = Reply::refunds(&[("failed", 3998)]);
    let (came_back, pending) = (Reply::refund("failed", 3998), Reply::refund("pending", 3998));
    let refused = Reply::error(400, "balance_insufficient", "");
    let stub = charged().await.on(REFUNDS, [none.clone(), none, failed]);
    let shop = Shop::start(stub.on(REFUND, [refused, came_back, pending])).await;
    shop.charge().await.unwrap();
    for _ in 0..2 {
        let undone = shop.undo().await;
        assert!(matches!(undone, Err(GatewayError::RefundFailed(_))), "{undone:?}");
    }
    assert_eq!(shop.undo().await, refunded());
    let asked = shop.stub.asked();
    let refunds: Vec<_> = asked.iter().filter(|asked| asked.line == REFUND).collect();
    let keys: Vec<&str> = refunds.iter().map(|asked| asked.header("idempotency-key")).collect();
    let key = |failed| format!("{}:refund:{failed}", shop.order);
    assert_eq!(keys, [key(0), key(0), key(1)]);
    assert_eq!(refunds[0].form, format!("payment_intent=pi_1&metadata%5Border_id%5D={}", shop.order));
}

#[tokio::test]
async fn an_intent_that_is_charged_while_it_is_called_off_is_given_back() {
    let stub = making().await.on(CONFIRM, [Reply::intent("processing")]);
    let stub = stub.on(REFUNDS, [Reply::refunds(&[("succeeded", 3998)])]);
    let stub = stub.on(READ, [Reply::intent("requires_confirmation"), refunded_charge()]);
    let shop = Shop::start(stub.on(CANCEL, [Reply::error(400, "payment_intent_unexpected_state", "")])).await;
    assert!(matches!(shop.charge().await, Err(GatewayError::Unknown(_))));
    assert_eq!(shop.undo().await, refunded());
    assert_eq!(shop.charge().await, Ok(Charge::CalledOff));
}

#[tokio::test]
async fn what_is_left_of_a_charge_that_was_given_back_in_part_is_given_back() {
    let part = Reply::refunds(&[("succeeded", 1000), ("failed", 3998)]);
    let all = Reply::refunds(&[("pending", 2998), ("succeeded", 1000), ("failed", 3998)]);
    let stub = charged().await.on(REFUNDS, [part, all]).on(REFUND, [Reply::refund("pending", 2998)]);
    let shop = Shop::start(stub).await;
    shop.charge().await.unwrap();
    for _ in 0..2 {
        assert_eq!(shop.undo().await, refunded());
    }
    assert_eq!(shop.asked(REFUND), 1);
    let asked = shop.stub.asked();
    let refund = asked.iter().find(|asked| asked.line == REFUND).unwrap();
    assert_eq!(refund.form, format!("payment_intent=pi_1&metadata%5Border_id%5D={}", shop.order));
}

/// An order whose refund was taken, and fails later: Stripe lists these refunds and answers the next one so.
async fn refund_failed_later(lists: &[&[(&str, i64)]], refunds: &[Reply]) -> Shop {
    let lists = [&[][..]].into_iter().chain(lists.iter().copied()).map(Reply::refunds);
    let refunds = [Reply::refund("pending", 3998)].into_iter().chain(refunds.iter().cloned());
    let stub = charged().await.on(REFUNDS, lists).on(REFUND, refunds);
    let shop = Shop::start(stub).await;
    shop.handle().await;
    assert_eq!(shop.handle_event(cancelled(shop.order)).await, Outcome::Done);
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Refunded));
    shop
}

#[tokio::test]
async fn a_refund_that_fails_days_later_is_made_again_by_hand() {
    let lists: [&[(&str, i64)]; 2] = [&[("failed", 3998)], &[("pending", 3998), ("failed", 3998)]];
    let shop = refund_failed_later(&lists, &[Reply::refund("pending", 3998)]).await;
    for _ in 0..2 {
        let (status, payment) = by_hand(&shop).await;
        assert_eq!((status, &payment["status"]), (StatusCode::OK, &json!("refunded")));
    }
    assert_eq!(shop.asked(REFUND), 2);
    assert_eq!(shop.payments.emitted_types().await, ["payment.completed", "payment.refunded"]);
}

#[tokio::test]
async fn h14_a_refund_that_failed_days_later_and_is_refused_again_is_not_reported_as_done() {
    let refused = Reply::error(400, "charge_disputed", "");
    let again = [refused, Reply::refund("succeeded", 3998)];
    let shop = refund_failed_later(&[&[("failed", 3998)]], &again).await;
    let (status, problem) = by_hand(&shop).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("charge_disputed"), "{problem}");
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::RefundFailed));

    let (status, payment) = by_hand(&shop).await;
    assert_eq!((status, &payment["status"]), (StatusCode::OK, &json!("refunded")));
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Refunded));
}
