//! Declined charges, which can never be made afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderflow_messaging::Outcome;
use orderflow_payments::{Charge, ChargeRequest, GatewayError, PaymentGateway, PaymentStatus, Reversal};
use serde_json::json;
use tokio::sync::Semaphore;

use super::stub::{Reply, StripeStub};
use super::{CANCEL, CONFIRM, CREATE, READ, StripeHarness, captured, creating, declined};
use crate::harness::total;

/// The code of an error about the payment method that leaves the intent as it is.
const PAYMENT_METHOD_ERROR: &str = "payment_method_unexpected_state";

/// Starts a stub whose intents can still be confirmed after an error about the payment method.
async fn payment_method_error() -> StripeStub {
    let stub = creating().await.on(CONFIRM, [Reply::error(400, PAYMENT_METHOD_ERROR, "")]);
    stub.on(READ, [Reply::intent("requires_confirmation"), Reply::intent("canceled")])
}

#[tokio::test]
async fn an_order_without_a_means_of_payment_is_declined() {
    let harness = StripeHarness::start(StripeStub::start().await).await;
    let request = ChargeRequest { order_id: harness.order, amount: total(), token: None };
    assert_eq!(harness.gateway.charge(&request).await, declined("payment_method_missing"));
}

#[tokio::test]
async fn a_charge_declined_without_an_intent_stays_declined() {
    for (reply, reason) in [
        (Reply::error(400, "resource_missing", "payment_method"), "resource_missing"),
        (Reply::error(400, "amount_too_small", "amount"), "amount_too_small"),
        (Reply::error(402, "expired_card", ""), "expired_card"),
    ] {
        let stub = StripeStub::start().await.on(CREATE, [reply, Reply::intent("requires_confirmation")]);
        let harness = StripeHarness::start(stub).await;
        for _ in 0..2 {
            assert_eq!(harness.charge().await, declined(reason));
        }
        assert_eq!(harness.find().await, declined(reason).map(Some));
        assert_eq!(harness.reverse().await, Ok(Reversal::Voided));
        assert_eq!(harness.stub.lines(), [CREATE]);
    }
}

/// Two consumers charge the same order, and Stripe creates an intent for only one of them.
async fn one_of_two(first: Reply, second: Reply) -> (StripeHarness, [Result<Charge, GatewayError>; 2]) {
    let gate = Arc::new(Semaphore::new(0));
    let stub = StripeStub::start().await.on(CREATE, [first.held_at(&gate), second]);
    let stub = stub.on(CONFIRM, [Reply::intent("succeeded")]).on(READ, [Reply::intent("succeeded")]);
    let harness = StripeHarness::start(stub.on(CANCEL, [Reply::intent("canceled")])).await;
    let overtaking = async {
        let deadline = Instant::now() + Duration::from_secs(60);
        while harness.stub.lines().is_empty() {
            assert!(Instant::now() < deadline, "no consumer requested an intent");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answer = harness.charge().await;
        gate.add_permits(1);
        answer
    };
    let answers = tokio::join!(harness.charge(), overtaking).into();
    (harness, answers)
}

#[tokio::test]
async fn an_intent_created_after_the_decline_is_never_confirmed() {
    let decline = Reply::error(400, "resource_missing", "payment_method");
    let (harness, answers) = one_of_two(Reply::intent("requires_confirmation"), decline).await;
    assert_eq!(answers, [declined("resource_missing"), declined("resource_missing")]);
    assert_eq!(harness.stub.lines(), [CREATE, CREATE, CANCEL]);
}

#[tokio::test]
async fn a_consumer_without_an_intent_does_not_decline_a_charged_order() {
    let decline = Reply::error(400, "resource_missing", "payment_method");
    let (harness, answers) = one_of_two(decline, Reply::intent("requires_confirmation")).await;
    assert_eq!(answers, [captured(), captured()]);
    assert_eq!(harness.stub.lines(), [CREATE, CREATE, CONFIRM, READ]);
}

#[tokio::test]
async fn a_declined_intent_stays_declined() {
    let read = Reply::ok(&json!({
        "id": "pi_1", "status": "requires_payment_method", "amount": 3998, "latest_charge": "ch_1",
        "last_payment_error": {"code": "expired_card"},
    }));
    let confirm = Reply::error(402, "expired_card", "");
    let harness = StripeHarness::start(creating().await.on(CONFIRM, [confirm]).on(READ, [read])).await;
    for _ in 0..2 {
        assert_eq!(harness.charge().await, declined("expired_card"));
    }
    assert_eq!(harness.stub.lines(), [CREATE, CONFIRM, READ, READ]);
}

#[tokio::test]
async fn a_confirmation_error_about_the_means_of_payment_is_a_decline() {
    for (status, code, param) in [
        (400, "payment_method_unexpected_state", ""),
        (400, "payment_intent_incompatible_payment_method", ""),
        (400, "parameter_invalid", "payment_method"),
        (402, "card_declined", ""),
    ] {
        let stub = payment_method_error().await.on(CONFIRM, [Reply::error(status, code, param)]);
        let harness = StripeHarness::start(stub.on(CANCEL, [Reply::intent("canceled")])).await;
        assert_eq!(harness.deliver().await, Outcome::Done, "{code}");
        let row = harness.payments.row(harness.order).await.unwrap();
        assert_eq!((row.status, row.reason.as_deref()), (PaymentStatus::Failed, Some(code)));
        assert_eq!(harness.stub.lines(), [CREATE, CONFIRM, READ, CANCEL], "{code}");
        assert_eq!(harness.charge().await, declined(code));
        assert_eq!(harness.find().await, declined(code).map(Some));
        assert_eq!(harness.reverse().await, Ok(Reversal::Voided));
    }
}

#[tokio::test]
async fn an_intent_that_requires_authentication_is_canceled_and_declined() {
    let canceled = [Reply::intent("canceled")];
    let stub = creating().await.on(CONFIRM, [Reply::intent("requires_action")]).on(CANCEL, canceled.clone());
    let harness = StripeHarness::start(stub.on(READ, canceled)).await;
    for _ in 0..2 {
        assert_eq!(harness.charge().await, declined("authentication_required"));
    }
    assert_eq!(harness.stub.lines(), [CREATE, CONFIRM, CANCEL, READ]);
}

#[tokio::test]
async fn a_retry_declines_an_intent_that_requires_authentication() {
    let stub = creating().await.on(CONFIRM, [Reply::error(500, "", "")]);
    let stub = stub.on(READ, [Reply::intent("requires_action")]).on(CANCEL, [Reply::intent("canceled")]);
    let harness = StripeHarness::start(stub).await;
    assert!(matches!(harness.deliver().await, Outcome::Retry { .. }));
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Unknown));
    assert_eq!(harness.find().await, Ok(None));
    assert_eq!(harness.deliver().await, Outcome::Done);
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Failed));
    assert_eq!((harness.count(CONFIRM), harness.count(CANCEL)), (1, 1));
}

#[tokio::test]
async fn a_decline_is_reported_only_after_its_intent_is_canceled() {
    let cancel = [Reply::error(500, "", ""), Reply::intent("canceled")];
    let stub =
        payment_method_error().await.on(READ, [Reply::intent("requires_confirmation")]).on(CANCEL, cancel);
    let harness = StripeHarness::start(stub).await;
    assert!(matches!(harness.deliver().await, Outcome::Retry { .. }));
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Unknown));
    assert_eq!(harness.deliver().await, Outcome::Done);
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Failed));
    assert_eq!((harness.count(CONFIRM), harness.count(CANCEL)), (1, 2));
}

#[tokio::test]
async fn a_cancellation_whose_answer_is_lost_is_found() {
    let harness =
        StripeHarness::start(payment_method_error().await.on(CANCEL, [Reply::error(500, "", "")])).await;
    assert_eq!(harness.deliver().await, Outcome::Done);
    let row = harness.payments.row(harness.order).await.unwrap();
    assert_eq!((row.status, row.reason.as_deref()), (PaymentStatus::Failed, Some(PAYMENT_METHOD_ERROR)));
}

#[tokio::test]
async fn an_intent_charged_during_its_decline_is_captured() {
    let stub = payment_method_error()
        .await
        .on(READ, [Reply::intent("requires_confirmation"), Reply::intent("succeeded")]);
    let refused = Reply::error(400, "payment_intent_unexpected_state", "");
    let harness = StripeHarness::start(stub.on(CANCEL, [refused])).await;
    for _ in 0..2 {
        assert_eq!(harness.charge().await, captured());
    }
}

#[tokio::test]
async fn a_canceled_intent_without_a_decline_counts_as_reversed() {
    let refused = Reply::error(400, "payment_intent_unexpected_state", "");
    let stub = creating().await.on(CONFIRM, [refused]).on(READ, [Reply::intent("canceled")]);
    let harness = StripeHarness::start(stub).await;
    assert_eq!(harness.charge().await, Ok(Charge::Reversed));
    assert_eq!(harness.find().await, Ok(Some(Charge::Reversed)));
}
