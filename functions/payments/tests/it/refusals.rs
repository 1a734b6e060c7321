//! Orders that are refused after their units were reserved.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::{EventData, Money, OrderId};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, PaymentGateway, PaymentStatus, Reversal, SimulatedChargeStatus,
};
use orderflow_testing::samples::resent;
use orderflow_testing::service::{first_delivery, is_retry, last_delivery};

use crate::harness::{PaymentsHarness, cancelled, rejected, reserved, reserved_with};

/// A gateway whose refunds always fail.
pub(crate) struct RefundsFail(pub(crate) Arc<dyn PaymentGateway>);

#[async_trait]
impl PaymentGateway for RefundsFail {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.0.charge(request).await
    }

    async fn reverse(&self, _: OrderId, _: &Money) -> Result<Reversal, GatewayError> {
        Err(GatewayError::RefundFailed("insufficient funds".to_owned()))
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.0.find(order_id).await
    }
}

/// A gateway that knows no charge, like a provider that was configured in place of another.
struct KnowsNoCharge(Arc<dyn PaymentGateway>);

#[async_trait]
impl PaymentGateway for KnowsNoCharge {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.0.charge(request).await
    }

    async fn reverse(&self, _: OrderId, _: &Money) -> Result<Reversal, GatewayError> {
        Ok(Reversal::Voided)
    }

    async fn find(&self, _: OrderId) -> Result<Option<Charge>, GatewayError> {
        Ok(None)
    }
}

#[tokio::test]
async fn h14_a_charge_that_the_provider_does_not_know_is_not_reported_as_voided() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved(order)]).await;
    let consumer = payments.consumer_with(Arc::new(KnowsNoCharge(payments.gateway.clone())));
    consumer.handle(&[first_delivery(cancelled(order))]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));

    payments.deliver(&[resent(&cancelled(order), 1)]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
}

#[tokio::test]
async fn h12_a_refusal_refunds_a_captured_charge() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved(order)]).await;
    assert_eq!(payments.deliver(&[cancelled(order)]).await, [Outcome::Done]);

    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Refunded));
    let events = payments.emitted().await;
    let EventData::PaymentRefunded(outcome) = &events[1].data else { panic!("{events:?}") };
    assert_eq!(outcome.email.as_ref().unwrap().as_str(), "c100@example.com");
    assert_eq!(outcome.phone.as_ref().unwrap().as_str(), "+4930123456");
    assert_eq!((outcome.amount, outcome.currency.as_str()), (3998, "USD"));
    assert_eq!(outcome.reason.as_deref(), Some("customer"));

    let refunded = payments.gateway.charge_of(order).await.unwrap();
    payments.deliver(&[cancelled(order), cancelled(order)]).await;
    assert_eq!(payments.gateway.charge_of(order).await.unwrap(), refunded);
    assert_eq!(payments.emitted().await.len(), 2);
}

#[tokio::test]
async fn payment_failed_is_the_answer_to_the_refusal_of_a_declined_order() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved_with(order, Some("tok_declined"))]).await;
    let refusal = rejected(order, "payment_declined");
    payments.deliver(std::slice::from_ref(&refusal)).await;
    assert_eq!(payments.emitted_types().await, ["payment.failed"]);
    payments.deliver(&[resent(&refusal, 1)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.failed", "payment.failed@1"]);
}

#[tokio::test]
async fn h14_a_refund_that_fails_is_never_reported_as_done() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved(order)]).await;
    let consumer = payments.consumer_with(Arc::new(RefundsFail(payments.gateway.clone())));

    let outcomes = consumer.handle(&[first_delivery(cancelled(order))]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));

    let outcomes = consumer.handle(&[last_delivery(cancelled(order))]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Captured));
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);

    consumer.handle(&[first_delivery(reserved(order))]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
}

#[tokio::test]
async fn a_resent_refusal_retries_a_failed_refund() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved(order)]).await;
    let consumer = payments.consumer_with(Arc::new(RefundsFail(payments.gateway.clone())));
    consumer.handle(&[last_delivery(cancelled(order))]).await;

    let resent = resent(&cancelled(order), 1);
    let outcomes = consumer.handle(&[last_delivery(resent.clone())]).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
    payments.deliver(&[resent]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.emitted_types().await, ["payment.completed", "payment.refunded"]);
}
