//! Refusals that arrive before, together with, or during the charge.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_circuit_breaker::BreakerSettings;
use orderflow_domain::{Event, Money, OrderId};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, GatewayFault, PaymentGateway, PaymentStatus, Reversal,
    SimulatedChargeStatus,
};
use orderflow_testing::samples::resent;
use orderflow_testing::service::first_delivery;
use tokio::sync::Semaphore;

use crate::harness::{PaymentsHarness, cancelled, rejected, reserved};

/// The point at which a charge waits for the test.
#[derive(Clone, Copy, PartialEq)]
enum Pause {
    BeforeTheCharge,
    AfterTheCharge,
}

/// A gateway whose charge pauses at a point.
struct PausingGateway {
    gateway: Arc<dyn PaymentGateway>,
    pause: Pause,
    reached: Semaphore,
    resume: Semaphore,
}

impl PausingGateway {
    async fn pause(&self, here: Pause) {
        if self.pause == here {
            self.reached.add_permits(1);
            self.resume.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl PaymentGateway for PausingGateway {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.pause(Pause::BeforeTheCharge).await;
        let answer = self.gateway.charge(request).await;
        self.pause(Pause::AfterTheCharge).await;
        answer
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        self.gateway.reverse(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(order_id).await
    }
}

/// Delivers `refusal` while the charge of its order waits at `pause`.
async fn refuse_during(payments: &PaymentsHarness, order: OrderId, refusal: Event, pause: Pause) {
    let gateway = Arc::new(PausingGateway {
        gateway: payments.gateway.clone(),
        pause,
        reached: Semaphore::new(0),
        resume: Semaphore::new(0),
    });
    let consumer = payments.consumer_with(gateway.clone());
    let charging = tokio::spawn(async move { consumer.handle(&[first_delivery(reserved(order))]).await });
    gateway.reached.acquire().await.unwrap().forget();
    assert_eq!(payments.deliver(&[refusal]).await, [Outcome::Done]);
    gateway.resume.add_permits(1);
    assert_eq!(charging.await.unwrap(), [Outcome::Done]);
}

#[tokio::test]
async fn a_refusal_that_arrives_first_prevents_the_charge() {
    let payments = PaymentsHarness::open().await;
    for refuse in [
        |order| cancelled(order),
        |order| rejected(order, "out_of_stock"),
        |order| rejected(order, "payment_declined"),
    ] {
        let order = OrderId::generate();
        payments.deliver(&[refuse(order)]).await;
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_ne!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Captured));
    }
    assert_eq!(payments.emitted_types().await, ["payment.voided"; 3]);
}

#[tokio::test]
async fn a_refusal_in_the_same_batch_takes_precedence_at_any_position() {
    let payments = PaymentsHarness::open().await;
    let (first, second) = (OrderId::generate(), OrderId::generate());
    let batch = [reserved(first), cancelled(second), cancelled(first), reserved(second)];
    let outcomes = payments.deliver(&batch).await;
    assert_eq!(outcomes, vec![Outcome::Done; 4]);
    for order in [first, second] {
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Voided));
    }
}

#[tokio::test]
async fn a_refusal_during_the_charge_refunds_it() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    refuse_during(&payments, order, cancelled(order), Pause::AfterTheCharge).await;
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Refunded));
    assert_eq!(payments.emitted_types().await, ["payment.refunded"]);
}

#[tokio::test]
async fn a_charge_that_arrives_after_its_reversal_captures_nothing() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    refuse_during(&payments, order, cancelled(order), Pause::BeforeTheCharge).await;
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Voided));
    assert_eq!(payments.emitted_types().await, ["payment.voided"]);
}

#[tokio::test]
async fn a_charge_reverses_itself_if_the_refusal_did_not_call_the_gateway() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    let refusal = rejected(order, "out_of_stock");
    refuse_during(&payments, order, refusal, Pause::AfterTheCharge).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Refunded));
    let types = payments.emitted_types().await;
    assert_eq!(types, ["payment.voided", "payment.refunded"]);
}

#[tokio::test]
async fn a_resent_refusal_emits_the_answer_again() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[cancelled(order)]).await;
    payments.deliver(&[resent(&cancelled(order), 3)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.voided", "payment.voided@3"]);
}

#[tokio::test]
async fn an_order_waits_no_longer_than_the_circuit_breaker_however_long_the_gateway_was_down() {
    let payments = PaymentsHarness::open().await;
    payments.fault.set(GatewayFault::Down);
    let event = reserved(OrderId::generate());
    let Outcome::Retry { after: None, at_most: Some(longest), .. } = &payments.deliver(&[event]).await[0]
    else {
        panic!("its delay has no limit");
    };
    assert!(*longest <= BreakerSettings::default().max_pause, "{longest:?}");
}

#[tokio::test]
async fn an_order_that_is_refused_while_the_gateway_is_down_is_never_charged() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.fault.set(GatewayFault::Down);
    for event in [reserved(order), cancelled(order)] {
        assert!(matches!(payments.deliver(&[event]).await[0], Outcome::Retry { .. }));
    }
    assert!(payments.emitted().await.is_empty());
    payments.fault.set(GatewayFault::Ok);
    // The request for the charge is delivered again before the refusal.
    assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Voided));
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
    assert_eq!(payments.deliver(&[cancelled(order)]).await, [Outcome::Done]);
    assert_eq!(payments.emitted_types().await, ["payment.voided"]);
}
