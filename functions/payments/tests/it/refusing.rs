//! Orders that are refused after their units were held.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::{EventData, Money, OrderId};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, LedgerStatus, PaymentGateway, PaymentStatus, Undone,
};

use crate::support::{
    Payments, again, cancelled, delivery, is_retry, last_delivery, rejected, reserved, reserved_with,
};

/// Charges, and never gives anything back.
pub(crate) struct KeepsTheMoney(pub(crate) Arc<dyn PaymentGateway>);

#[async_trait]
impl PaymentGateway for KeepsTheMoney {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.0.charge(request).await
    }

    async fn undo(&self, _: OrderId, _: &Money) -> Result<Undone, GatewayError> {
        Err(GatewayError::RefundFailed("insufficient funds".to_owned()))
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.0.find(order_id).await
    }
}

/// Knows of no charge, as a provider that is asked in another's place.
struct KnowsNothing(Arc<dyn PaymentGateway>);

#[async_trait]
impl PaymentGateway for KnowsNothing {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.0.charge(request).await
    }

    async fn undo(&self, _: OrderId, _: &Money) -> Result<Undone, GatewayError> {
        Ok(Undone::Voided)
    }

    async fn find(&self, _: OrderId) -> Result<Option<Charge>, GatewayError> {
        Ok(None)
    }
}

#[tokio::test]
async fn h14_a_charge_that_the_provider_does_not_know_is_not_reported_as_voided() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved(order)]).await;
    let worker = payments.worker(Arc::new(KnowsNothing(payments.gateway.clone())));
    worker.handle(&[delivery(cancelled(order))]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));

    payments.handle(&[again(&cancelled(order), 1)]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
}

#[tokio::test]
async fn h12_a_refusal_gives_a_captured_charge_back() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved(order)]).await;
    assert_eq!(payments.handle(&[cancelled(order)]).await, [Outcome::Done]);

    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Refunded));
    let events = payments.emitted().await;
    let EventData::PaymentRefunded(outcome) = &events[1].data else { panic!("{events:?}") };
    assert_eq!(outcome.email.as_ref().unwrap().as_str(), "jane@example.com");
    assert_eq!(outcome.phone.as_ref().unwrap().as_str(), "+4930123456");
    assert_eq!((outcome.amount, outcome.currency.as_str()), (3998, "USD"));
    assert_eq!(outcome.reason.as_deref(), Some("customer"));

    let refunded = payments.gateway.ledger(order).await.unwrap();
    payments.handle(&[cancelled(order), cancelled(order)]).await;
    assert_eq!(payments.gateway.ledger(order).await.unwrap(), refunded);
    assert_eq!(payments.emitted().await.len(), 2);
}

#[tokio::test]
async fn a_declined_charge_answers_its_refusal() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved_with(order, Some("tok_declined"))]).await;
    let refusal = rejected(order, "payment_declined");
    payments.handle(std::slice::from_ref(&refusal)).await;
    assert_eq!(payments.emitted_types().await, ["payment.failed"]);
    payments.handle(&[again(&refusal, 1)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.failed", "payment.failed@1"]);
}

#[tokio::test]
async fn h14_a_refund_that_fails_is_never_reported_as_done() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved(order)]).await;
    let worker = payments.worker(Arc::new(KeepsTheMoney(payments.gateway.clone())));

    let outcomes = worker.handle(&[delivery(cancelled(order))]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));

    let outcomes = worker.handle(&[last_delivery(cancelled(order))]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Captured));
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);

    worker.handle(&[delivery(reserved(order))]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
}

#[tokio::test]
async fn a_resent_refusal_tries_a_failed_refund_again() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved(order)]).await;
    let worker = payments.worker(Arc::new(KeepsTheMoney(payments.gateway.clone())));
    worker.handle(&[last_delivery(cancelled(order))]).await;

    let resent = again(&cancelled(order), 1);
    let outcomes = worker.handle(&[last_delivery(resent.clone())]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
    payments.handle(&[resent]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.emitted_types().await, ["payment.completed", "payment.refunded"]);
}
