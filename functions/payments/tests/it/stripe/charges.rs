//! Orders that are charged.

use orderflow_messaging::Outcome;
use orderflow_payments::{Charge, PaymentStatus, Reversal};

use super::stub::{KEY, Reply, StripeStub};
use super::{CONFIRM, CREATE, READ, StripeHarness, captured, charging, creating};

#[tokio::test]
async fn an_order_is_charged_through_an_intent_created_under_its_key() {
    let harness = StripeHarness::start(charging().await).await;
    assert_eq!(harness.charge().await, captured());
    let received = harness.stub.received();
    assert_eq!(harness.stub.lines(), [CREATE, CONFIRM]);
    let order = harness.order;
    assert_eq!(received[0].header("idempotency-key"), order.to_string());
    assert_eq!(
        received[0].form,
        format!(
            "amount=3998&currency=usd&payment_method=pm_secret&payment_method_types%5B%5D=card&\
             metadata%5Border_id%5D={order}"
        )
    );
    for received in received {
        assert_eq!(received.header("authorization"), format!("Bearer {KEY}"));
        assert!(received.headers.contains_key("stripe-version"));
    }
}

#[tokio::test]
async fn a_repeated_charge_reads_its_intent_first() {
    let harness = StripeHarness::start(charging().await.on(READ, [Reply::intent("succeeded")])).await;
    for _ in 0..2 {
        assert_eq!(harness.charge().await, captured());
    }
    assert_eq!(harness.stub.lines(), [CREATE, CONFIRM, READ]);
    assert!(matches!(harness.find().await, Ok(Some(Charge::Captured { .. }))));
}

#[tokio::test]
async fn an_order_whose_payment_was_reversed_first_never_reaches_stripe() {
    let harness = StripeHarness::start(StripeStub::start().await).await;
    assert_eq!(harness.find().await, Ok(None));
    assert_eq!(harness.reverse().await, Ok(Reversal::Voided));
    assert_eq!(harness.charge().await, Ok(Charge::Reversed));
    assert_eq!(harness.find().await, Ok(Some(Charge::Reversed)));
    assert!(harness.stub.lines().is_empty());
}

#[tokio::test]
async fn a_processing_charge_is_not_confirmed_again() {
    let stub = creating().await.on(CONFIRM, [Reply::intent("processing")]);
    let read = [Reply::intent("processing"), Reply::intent("processing"), Reply::intent("succeeded")];
    let harness = StripeHarness::start(stub.on(READ, read)).await;
    for _ in 0..2 {
        assert!(matches!(harness.deliver().await, Outcome::Retry { .. }));
        assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Unknown));
    }
    assert_eq!(harness.deliver().await, Outcome::Done);
    assert_eq!(harness.count(CONFIRM), 1);
}

#[tokio::test]
async fn after_a_failed_confirmation_the_intent_is_read_first() {
    let stub =
        creating().await.on(CONFIRM, [Reply::error(500, "", "")]).on(READ, [Reply::intent("succeeded")]);
    let harness = StripeHarness::start(stub).await;
    assert_eq!(harness.deliver().await, Outcome::Done);
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Completed));
    assert_eq!(harness.stub.lines(), [CREATE, CONFIRM, READ]);
}

#[tokio::test]
async fn a_replayed_failure_is_requested_again_under_another_key() {
    let replayed = Reply::error(500, "", "").with("idempotent-replayed", "true");
    let stub = charging().await.on(CREATE, [replayed, Reply::intent("requires_confirmation")]);
    let harness = StripeHarness::start(stub).await;
    assert_eq!(harness.charge().await, captured());
    let received = harness.stub.received();
    assert_eq!(harness.stub.lines(), [CREATE, CREATE, CONFIRM]);
    assert_ne!(received[0].header("idempotency-key"), received[1].header("idempotency-key"));
}
