//! Refusals that come before, with or during what they refuse.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::{Event, Money, OrderId};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, GatewayFault, LedgerStatus, PaymentGateway, PaymentStatus, Undone,
};
use tokio::sync::Semaphore;

use crate::support::{Payments, again, cancelled, delivery, rejected, reserved};

/// Where a charge stops until the test lets it go on.
#[derive(Clone, Copy, PartialEq)]
enum Pause {
    BeforeTheCharge,
    AfterTheCharge,
}

struct Pausing {
    gateway: Arc<dyn PaymentGateway>,
    pause: Pause,
    reached: Semaphore,
    go_on: Semaphore,
}

impl Pausing {
    async fn pause(&self, here: Pause) {
        if self.pause == here {
            self.reached.add_permits(1);
            self.go_on.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl PaymentGateway for Pausing {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.pause(Pause::BeforeTheCharge).await;
        let answer = self.gateway.charge(request).await;
        self.pause(Pause::AfterTheCharge).await;
        answer
    }

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        self.gateway.undo(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(order_id).await
    }
}

/// Handles `refusal` while the charge of its order stands at `pause`.
async fn refuse_during(payments: &Payments, order: OrderId, refusal: Event, pause: Pause) {
    let gateway = Arc::new(Pausing {
        gateway: payments.gateway.clone(),
        pause,
        reached: Semaphore::new(0),
        go_on: Semaphore::new(0),
    });
    let worker = payments.worker(gateway.clone());
    let charging = tokio::spawn(async move { worker.handle(&[delivery(reserved(order))]).await });
    gateway.reached.acquire().await.unwrap().forget();
    assert_eq!(payments.handle(&[refusal]).await, [Outcome::Done]);
    gateway.go_on.add_permits(1);
    assert_eq!(charging.await.unwrap(), [Outcome::Done]);
}

#[tokio::test]
async fn a_refusal_that_comes_first_keeps_the_order_from_being_charged() {
    let payments = Payments::start().await;
    for refuse in [
        |order| cancelled(order),
        |order| rejected(order, "out_of_stock"),
        |order| rejected(order, "payment_declined"),
    ] {
        let order = OrderId::generate();
        payments.handle(&[refuse(order)]).await;
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_ne!(payments.ledger(order).await, Some(LedgerStatus::Captured));
    }
    assert_eq!(payments.emitted_types().await, ["payment.voided"; 3]);
}

#[tokio::test]
async fn a_refusal_in_the_same_batch_wins_wherever_it_stands() {
    let payments = Payments::start().await;
    let (first, second) = (OrderId::generate(), OrderId::generate());
    let batch = [reserved(first), cancelled(second), cancelled(first), reserved(second)];
    let outcomes = payments.handle(&batch).await;
    assert_eq!(outcomes, vec![Outcome::Done; 4]);
    for order in [first, second] {
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_eq!(payments.ledger(order).await, Some(LedgerStatus::CalledOff));
    }
}

#[tokio::test]
async fn a_refusal_during_the_charge_leaves_no_net_charge() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    refuse_during(&payments, order, cancelled(order), Pause::AfterTheCharge).await;
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Refunded));
    assert_eq!(payments.emitted_types().await, ["payment.refunded"]);
}

#[tokio::test]
async fn a_charge_that_arrives_after_it_was_called_off_takes_nothing() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    refuse_during(&payments, order, cancelled(order), Pause::BeforeTheCharge).await;
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::CalledOff));
    assert_eq!(payments.emitted_types().await, ["payment.voided"]);
}

#[tokio::test]
async fn a_refusal_that_left_the_gateway_alone_is_made_good_by_the_charge() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    let refusal = rejected(order, "out_of_stock");
    refuse_during(&payments, order, refusal, Pause::AfterTheCharge).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Refunded));
    let types = payments.emitted_types().await;
    assert_eq!(types, ["payment.voided", "payment.refunded"]);
}

#[tokio::test]
async fn a_resent_refusal_is_answered_again() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[cancelled(order)]).await;
    payments.handle(&[again(&cancelled(order), 3)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.voided", "payment.voided@3"]);
}

#[tokio::test]
async fn an_order_that_is_refused_while_the_gateway_is_down_is_never_charged() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.fault.set(GatewayFault::Down);
    for event in [reserved(order), cancelled(order)] {
        assert!(matches!(payments.handle(&[event]).await[0], Outcome::Retry { .. }));
    }
    assert!(payments.emitted().await.is_empty());
    payments.fault.set(GatewayFault::Ok);
    // What asked for the charge comes again before what refuses it.
    assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::CalledOff));
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
    assert_eq!(payments.handle(&[cancelled(order)]).await, [Outcome::Done]);
    assert_eq!(payments.emitted_types().await, ["payment.voided"]);
}
