//! Charges that are declined, and that nobody can make afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderflow_messaging::Outcome;
use orderflow_payments::{Charge, ChargeRequest, GatewayError, PaymentGateway, PaymentStatus, Undone};
use serde_json::json;
use tokio::sync::Semaphore;

use super::stub::{Reply, StripeStub};
use super::{CANCEL, CONFIRM, MAKE, READ, Shop, captured, declined, making};
use crate::support::total;

/// A code that blames the means of payment and leaves the intent as it is.
const BLAMED: &str = "payment_method_unexpected_state";

/// A stub whose intents can be confirmed still after a confirmation that blamed the means of payment.
async fn blaming() -> StripeStub {
    let stub = making().await.on(CONFIRM, [Reply::error(400, BLAMED, "")]);
    stub.on(READ, [Reply::intent("requires_confirmation"), Reply::intent("canceled")])
}

#[tokio::test]
async fn an_order_without_a_means_of_payment_is_declined() {
    let shop = Shop::start(StripeStub::start().await).await;
    let request = ChargeRequest { order_id: shop.order, amount: total(), token: None };
    assert_eq!(shop.gateway.charge(&request).await, declined("payment_method_missing"));
}

#[tokio::test]
async fn what_is_declined_before_there_is_an_intent_stays_declined() {
    for (reply, reason) in [
        (Reply::error(400, "resource_missing", "payment_method"), "resource_missing"),
        (Reply::error(400, "amount_too_small", "amount"), "amount_too_small"),
        (Reply::error(402, "expired_card", ""), "expired_card"),
    ] {
        let stub = StripeStub::start().await.on(MAKE, [reply, Reply::intent("requires_confirmation")]);
        let shop = Shop::start(stub).await;
        for _ in 0..2 {
            assert_eq!(shop.charge().await, declined(reason));
        }
        assert_eq!(shop.find().await, declined(reason).map(Some));
        assert_eq!(shop.undo().await, Ok(Undone::Voided));
        assert_eq!(shop.stub.lines(), [MAKE]);
    }
}

/// Two workers charge the same order, and Stripe makes an intent for one of them only.
async fn one_of_two(first: Reply, second: Reply) -> (Shop, [Result<Charge, GatewayError>; 2]) {
    let gate = Arc::new(Semaphore::new(0));
    let stub = StripeStub::start().await.on(MAKE, [first.held_at(&gate), second]);
    let stub = stub.on(CONFIRM, [Reply::intent("succeeded")]).on(READ, [Reply::intent("succeeded")]);
    let shop = Shop::start(stub.on(CANCEL, [Reply::intent("canceled")])).await;
    let overtaking = async {
        let deadline = Instant::now() + Duration::from_secs(60);
        while shop.stub.lines().is_empty() {
            assert!(Instant::now() < deadline, "nobody asks for an intent");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answer = shop.charge().await;
        gate.add_permits(1);
        answer
    };
    let answers = tokio::join!(shop.charge(), overtaking).into();
    (shop, answers)
}

#[tokio::test]
async fn an_intent_that_is_made_after_the_decline_is_never_confirmed() {
    let no = Reply::error(400, "resource_missing", "payment_method");
    let (shop, answers) = one_of_two(Reply::intent("requires_confirmation"), no).await;
    assert_eq!(answers, [declined("resource_missing"), declined("resource_missing")]);
    assert_eq!(shop.stub.lines(), [MAKE, MAKE, CANCEL]);
}

#[tokio::test]
async fn an_order_that_is_charged_is_not_declined_by_whoever_was_given_no_intent() {
    let no = Reply::error(400, "resource_missing", "payment_method");
    let (shop, answers) = one_of_two(no, Reply::intent("requires_confirmation")).await;
    assert_eq!(answers, [captured(), captured()]);
    assert_eq!(shop.stub.lines(), [MAKE, MAKE, CONFIRM, READ]);
}

#[tokio::test]
async fn a_declined_intent_stays_declined() {
    let read = Reply::ok(&json!({
        "id": "pi_1", "status": "requires_payment_method", "amount": 3998, "latest_charge": "ch_1",
        "last_payment_error": {"code": "expired_card"},
    }));
    let confirm = Reply::error(402, "expired_card", "");
    let shop = Shop::start(making().await.on(CONFIRM, [confirm]).on(READ, [read])).await;
    for _ in 0..2 {
        assert_eq!(shop.charge().await, declined("expired_card"));
    }
    assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, READ, READ]);
}

#[tokio::test]
async fn a_confirmation_that_blames_the_means_of_payment_is_a_decline() {
    for (status, code, param) in [
        (400, "payment_method_unexpected_state", ""),
        (400, "payment_intent_incompatible_payment_method", ""),
        (400, "parameter_invalid", "payment_method"),
        (402, "card_declined", ""),
    ] {
        let stub = blaming().await.on(CONFIRM, [Reply::error(status, code, param)]);
        let shop = Shop::start(stub.on(CANCEL, [Reply::intent("canceled")])).await;
        assert_eq!(shop.handle().await, Outcome::Done, "{code}");
        let row = shop.payments.row(shop.order).await.unwrap();
        assert_eq!((row.status, row.reason.as_deref()), (PaymentStatus::Failed, Some(code)));
        assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, READ, CANCEL], "{code}");
        assert_eq!(shop.charge().await, declined(code));
        assert_eq!(shop.find().await, declined(code).map(Some));
        assert_eq!(shop.undo().await, Ok(Undone::Voided));
    }
}

#[tokio::test]
async fn a_customer_who_would_have_to_sign_in_can_no_longer_do_so() {
    let canceled = [Reply::intent("canceled")];
    let stub = making().await.on(CONFIRM, [Reply::intent("requires_action")]).on(CANCEL, canceled.clone());
    let shop = Shop::start(stub.on(READ, canceled)).await;
    for _ in 0..2 {
        assert_eq!(shop.charge().await, declined("authentication_required"));
    }
    assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, CANCEL, READ]);
}

#[tokio::test]
async fn a_charge_that_waits_for_the_customer_is_declined_by_whoever_finds_it() {
    let stub = making().await.on(CONFIRM, [Reply::error(500, "", "")]);
    let stub = stub.on(READ, [Reply::intent("requires_action")]).on(CANCEL, [Reply::intent("canceled")]);
    let shop = Shop::start(stub).await;
    assert!(matches!(shop.handle().await, Outcome::Retry { .. }));
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Claimed));
    assert_eq!(shop.find().await, Ok(None));
    assert_eq!(shop.handle().await, Outcome::Done);
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Failed));
    assert_eq!((shop.asked(CONFIRM), shop.asked(CANCEL)), (1, 1));
}

#[tokio::test]
async fn nobody_is_told_of_a_decline_before_the_intent_is_canceled() {
    let cancel = [Reply::error(500, "", ""), Reply::intent("canceled")];
    let stub = blaming().await.on(READ, [Reply::intent("requires_confirmation")]).on(CANCEL, cancel);
    let shop = Shop::start(stub).await;
    assert!(matches!(shop.handle().await, Outcome::Retry { .. }));
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Claimed));
    assert_eq!(shop.handle().await, Outcome::Done);
    assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Failed));
    assert_eq!((shop.asked(CONFIRM), shop.asked(CANCEL)), (1, 2));
}

#[tokio::test]
async fn a_cancellation_whose_answer_is_lost_is_found() {
    let shop = Shop::start(blaming().await.on(CANCEL, [Reply::error(500, "", "")])).await;
    assert_eq!(shop.handle().await, Outcome::Done);
    let row = shop.payments.row(shop.order).await.unwrap();
    assert_eq!((row.status, row.reason.as_deref()), (PaymentStatus::Failed, Some(BLAMED)));
}

#[tokio::test]
async fn a_decline_that_was_overtaken_by_the_charge_is_none() {
    let stub = blaming().await.on(READ, [Reply::intent("requires_confirmation"), Reply::intent("succeeded")]);
    let refused = Reply::error(400, "payment_intent_unexpected_state", "");
    let shop = Shop::start(stub.on(CANCEL, [refused])).await;
    for _ in 0..2 {
        assert_eq!(shop.charge().await, captured());
    }
}

#[tokio::test]
async fn an_intent_that_was_canceled_and_not_declined_is_called_off() {
    let refused = Reply::error(400, "payment_intent_unexpected_state", "");
    let stub = making().await.on(CONFIRM, [refused]).on(READ, [Reply::intent("canceled")]);
    let shop = Shop::start(stub).await;
    assert_eq!(shop.charge().await, Ok(Charge::CalledOff));
    assert_eq!(shop.find().await, Ok(Some(Charge::CalledOff)));
}
