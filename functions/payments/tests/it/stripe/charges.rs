//! Orders that are charged.

use orderflow_messaging::Outcome;
use orderflow_payments::{Charge, PaymentStatus, Undone};

use super::stub::{KEY, Reply, StripeStub};
use super::{CONFIRM, MAKE, READ, Shop, captured, charging, making};

#[tokio::test]
async fn an_order_is_charged_by_an_intent_made_under_its_key() {
    let shop = Shop::start(charging().await).await;
    assert_eq!(shop.charge().await, captured());
    let asked = shop.stub.asked();
    assert_eq!(shop.stub.lines(), [MAKE, CONFIRM]);
    let order = shop.order;
    assert_eq!(asked[0].header("idempotency-key"), order.to_string());
    assert_eq!(
        asked[0].form,
        format!(
            "amount=3998&currency=usd&payment_method=pm_secret&payment_method_types%5B%5D=card&\
             metadata%5Border_id%5D={order}"
        )
    );
    for asked in asked {
        assert_eq!(asked.header("authorization"), format!("Bearer {KEY}"));
        assert!(asked.headers.contains_key("stripe-version"));
    }
}

#[tokio::test]
async fn a_repeated_charge_asks_for_its_intent_first() {
    let shop = Shop::start(charging().await.on(READ, [Reply::intent("succeeded")])).await;
    for _ in 0..2 {
        assert_eq!(shop.charge().await, captured());
    }
    assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, READ]);
    assert!(matches!(shop.find().await, Ok(Some(Charge::Captured { .. }))));
}

#[tokio::test]
async fn an_order_that_was_called_off_never_reaches_stripe() {
    let shop = Shop::start(StripeStub::start().await).await;
    assert_eq!(shop.find().await, Ok(None));
    assert_eq!(shop.undo().await, Ok(Undone::Voided));
    assert_eq!(shop.charge().await, Ok(Charge::CalledOff));
    assert_eq!(shop.find().await, Ok(Some(Charge::CalledOff)));
    assert!(shop.stub.lines().is_empty());
}

#[tokio::test]
async fn a_charge_that_is_still_processing_is_not_confirmed_again() {
    let stub = making().await.on(CONFIRM, [Reply::intent("processing")]);
    let read = [Reply::intent("processing"), Reply::intent("processing"), Reply::intent("succeeded")];
    let shop = Shop::start(stub.on(READ, read)).await;
    for _ in 0..2 {
        assert!(matches!(shop.handle().await, Outcome::Retry { .. }));
        assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Claimed));
    }
    assert_eq!(shop.handle().await, Outcome::Done);
    assert_eq!(shop.asked(CONFIRM), 1);
}

#[tokio::test]
async fn a_failed_confirmation_is_looked_up_before_it_is_tried_again() {
    let stub = making().await.on(CONFIRM, [Reply::error(500, "", "")]).on(READ, [Reply::intent("succeeded")]);
    let shop = Shop::start(stub).await;
    assert_eq!(shop.handle().await, Outcome::Done);
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Completed));
    assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, READ]);
}

#[tokio::test]
async fn a_failure_of_yesterday_is_asked_for_anew() {
    let replayed = Reply::error(500, "", "").with("idempotent-replayed", "true");
    let stub = charging().await.on(MAKE, [replayed, Reply::intent("requires_confirmation")]);
    let shop = Shop::start(stub).await;
    assert_eq!(shop.charge().await, captured());
    let asked = shop.stub.asked();
    assert_eq!(shop.stub.lines(), [MAKE, MAKE, CONFIRM]);
    assert_ne!(asked[0].header("idempotency-key"), asked[1].header("idempotency-key"));
}
