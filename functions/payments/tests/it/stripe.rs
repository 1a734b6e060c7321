//! What is asked of Stripe, and what its answers mean.

use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::{OrderId, PaymentToken};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, PaymentGateway, PaymentStatus, StripeGateway, Undone,
};
use serde_json::json;

use crate::stub::{KEY, Reply, StripeStub};
use crate::support::{Payments, delivery, reserved_with, total};

const MAKE: &str = "POST payment_intents";
const READ: &str = "GET payment_intents/pi_1";
const CONFIRM: &str = "POST payment_intents/pi_1/confirm";
const CANCEL: &str = "POST payment_intents/pi_1/cancel";
const REFUND: &str = "POST refunds";
const REFUNDS: &str = "GET refunds";

/// Payments whose gateway is Stripe as the stub answers.
struct Shop {
    payments: Payments,
    gateway: Arc<StripeGateway>,
    stub: StripeStub,
    order: OrderId,
}

impl Shop {
    async fn start(stub: StripeStub) -> Self {
        let payments = Payments::start().await;
        let gateway = Arc::new(StripeGateway::new(&payments.store, &stub.settings()).unwrap());
        Self { payments, gateway, stub, order: OrderId::generate() }
    }

    async fn charge(&self) -> Result<Charge, GatewayError> {
        let token = Some(PaymentToken::parse("pm_secret").unwrap());
        self.gateway.charge(&ChargeRequest { order_id: self.order, amount: total(), token }).await
    }

    async fn undo(&self) -> Result<Undone, GatewayError> {
        self.gateway.undo(self.order, &total()).await
    }

    async fn handle(&self) -> Outcome {
        let worker = self.payments.worker(self.gateway.clone());
        worker.handle(&[delivery(reserved_with(self.order, Some("pm_secret")))]).await.remove(0)
    }
}

fn captured() -> Result<Charge, GatewayError> {
    Ok(Charge::Captured { provider_id: "pi_1".to_owned() })
}

fn declined(reason: &str) -> Result<Charge, GatewayError> {
    Ok(Charge::Declined { reason: reason.to_owned() })
}

fn refunded() -> Result<Undone, GatewayError> {
    Ok(Undone::Refunded { provider_id: "pi_1".to_owned() })
}

/// A stub that makes intents.
async fn making() -> StripeStub {
    StripeStub::start().await.on(MAKE, [Reply::intent("requires_confirmation")])
}

/// One whose intents are confirmed.
async fn charging() -> StripeStub {
    making().await.on(CONFIRM, [Reply::intent("succeeded")])
}

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
    assert!(matches!(shop.gateway.find(shop.order).await, Ok(Some(Charge::Captured { .. }))));
}

#[tokio::test]
async fn an_order_that_was_called_off_never_reaches_stripe() {
    let shop = Shop::start(StripeStub::start().await).await;
    assert_eq!(shop.gateway.find(shop.order).await, Ok(None));
    assert_eq!(shop.undo().await, Ok(Undone::Voided));
    assert_eq!(shop.charge().await, Ok(Charge::CalledOff));
    assert_eq!(shop.gateway.find(shop.order).await, Ok(Some(Charge::CalledOff)));
    assert!(shop.stub.lines().is_empty());
}

#[tokio::test]
async fn an_order_without_a_means_of_payment_is_declined() {
    let shop = Shop::start(StripeStub::start().await).await;
    let request = ChargeRequest { order_id: shop.order, amount: total(), token: None };
    assert_eq!(shop.gateway.charge(&request).await, declined("payment_method_missing"));
}

#[tokio::test]
async fn what_the_customer_cannot_pay_with_is_declined() {
    for (reply, reason) in [
        (Reply::error(400, "resource_missing", "payment_method"), "resource_missing"),
        (Reply::error(400, "amount_too_small", "amount"), "amount_too_small"),
    ] {
        let shop = Shop::start(StripeStub::start().await.on(MAKE, [reply])).await;
        assert_eq!(shop.charge().await, declined(reason));
    }
    for (reply, reason) in [
        (Reply::error(402, "expired_card", ""), "expired_card"),
        (Reply::intent("requires_action"), "authentication_required"),
    ] {
        let shop = Shop::start(making().await.on(CONFIRM, [reply])).await;
        assert_eq!(shop.charge().await, declined(reason));
    }
}

#[tokio::test]
async fn a_declined_intent_stays_declined() {
    let read = Reply::ok(json!({
        "id": "pi_1", "status": "requires_payment_method", "latest_charge": "ch_1",
        "last_payment_error": {"code": "expired_card"},
    }));
    let confirm = Reply::error(402, "expired_card", "");
    let shop = Shop::start(making().await.on(CONFIRM, [confirm]).on(READ, [read])).await;
    for _ in 0..2 {
        assert_eq!(shop.charge().await, declined("expired_card"));
    }
    assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, READ]);
}

#[tokio::test]
async fn failures_while_nothing_is_charged_leave_nothing_unknown() {
    let unavailable = |error: &GatewayError| matches!(error, GatewayError::Unavailable(_));
    let busy = |error: &GatewayError| *error == GatewayError::Busy { retry_after: Duration::from_secs(7) };
    for (reply, expected) in [
        (Reply::error(500, "", ""), unavailable as fn(&GatewayError) -> bool),
        (Reply::error(429, "rate_limit", ""), unavailable),
        (Reply::error(401, "", ""), unavailable),
        (Reply::error(400, "parameter_unknown", "amount"), |error| matches!(error, GatewayError::Refused(_))),
        (Reply::error(503, "", ""), unavailable),
        (Reply::error(429, "", "").with("retry-after", "7"), busy),
        (Reply::error(503, "", "").with("retry-after", "7"), busy),
    ] {
        let shown = format!("{reply:?}");
        let shop = Shop::start(StripeStub::start().await.on(MAKE, [reply])).await;
        let error = shop.charge().await.unwrap_err();
        assert!(expected(&error), "{shown}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        assert_eq!(shop.gateway.find(shop.order).await, Ok(None));
    }
}

#[tokio::test]
async fn a_key_that_is_not_accepted_names_its_setting() {
    let shop = Shop::start(StripeStub::start().await.on(MAKE, [Reply::error(401, "", "")])).await;
    let error = shop.charge().await.unwrap_err().to_string();
    assert!(error.contains("STRIPE_API_KEY is not accepted"), "{error}");
}

#[tokio::test]
async fn stripe_that_is_not_there_took_nothing_in() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = StripeStub::start().await.settings();
    settings.api_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let payments = Payments::start().await;
    let gateway = StripeGateway::new(&payments.store, &settings).unwrap();
    let token = Some(PaymentToken::parse("pm_secret").unwrap());
    let request = ChargeRequest { order_id: OrderId::generate(), amount: total(), token };
    let error = gateway.charge(&request).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unavailable(_)), "{error:?}");
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
async fn a_charge_that_is_still_processing_is_not_confirmed_again() {
    let stub = making().await.on(CONFIRM, [Reply::intent("processing")]);
    let read = [Reply::intent("processing"), Reply::intent("processing"), Reply::intent("succeeded")];
    let shop = Shop::start(stub.on(READ, read)).await;
    for _ in 0..2 {
        assert!(matches!(shop.handle().await, Outcome::Retry { .. }));
        assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Claimed));
    }
    assert_eq!(shop.handle().await, Outcome::Done);
    assert_eq!(shop.stub.lines().iter().filter(|line| *line == CONFIRM).count(), 1);
}

#[tokio::test]
async fn retry_after_is_obeyed_and_counted_as_an_attempt() {
    let busy = Reply::error(429, "", "").with("retry-after", "7");
    let shop = Shop::start(StripeStub::start().await.on(MAKE, [busy])).await;
    let Outcome::Retry { after: Some(after), .. } = shop.handle().await else { panic!("not a retry") };
    assert!((7..=11).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test]
async fn what_stripe_will_never_take_is_a_dead_letter() {
    let refused = Reply::error(400, "parameter_unknown", "metadata");
    let shop = Shop::start(StripeStub::start().await.on(MAKE, [refused])).await;
    let outcome = shop.handle().await;
    let Outcome::DeadLetter { code, reason } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*code, "payment-refused");
    assert!(reason.contains("400") && reason.contains("parameter_unknown"), "{reason}");
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

#[tokio::test]
async fn a_refund_is_looked_for_before_it_is_made() {
    let read = Reply::ok(json!({"id": "pi_1", "status": "succeeded", "latest_charge": {"refunded": false}}));
    let in_force = Reply::ok(json!({"data": [{"status": "failed"}, {"status": "pending"}]}));
    let stub = charging().await.on(READ, [read]).on(REFUNDS, [in_force]);
    let shop = Shop::start(stub).await;
    shop.charge().await.unwrap();
    assert_eq!(shop.undo().await, refunded());
    assert!(!shop.stub.lines().iter().any(|line| line == REFUND));
}

#[tokio::test]
async fn a_refund_that_failed_is_made_again_under_another_key() {
    let read = Reply::ok(json!({"id": "pi_1", "status": "succeeded", "latest_charge": {"refunded": false}}));
    let none = Reply::ok(json!({"data": []}));
    let failed = Reply::ok(json!({"data": [{"status": "failed"}]}));
    let (came_back, pending) =
        (Reply::ok(json!({"status": "failed"})), Reply::ok(json!({"status": "pending"})));
    let refused = Reply::error(400, "balance_insufficient", "");
    let stub = charging().await.on(READ, [read]).on(REFUNDS, [none.clone(), none, failed]);
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
    let refunded_charge =
        Reply::ok(json!({"id": "pi_1", "status": "succeeded", "latest_charge": {"refunded": true}}));
    let stub = making().await.on(CONFIRM, [Reply::intent("processing")]);
    let stub = stub.on(READ, [Reply::intent("requires_confirmation"), refunded_charge]);
    let shop = Shop::start(stub.on(CANCEL, [Reply::error(400, "payment_intent_unexpected_state", "")])).await;
    assert!(matches!(shop.charge().await, Err(GatewayError::Unknown(_))));
    assert_eq!(shop.undo().await, refunded());
    assert_eq!(shop.charge().await, Ok(Charge::CalledOff));
}
