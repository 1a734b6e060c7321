//! Retries of failed refunds on request of an operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::http::Request;
use orderflow_domain::{Money, OrderId};
use orderflow_messaging::Consumer;
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, PaymentGateway, PaymentStatus, Reversal, SimulatedChargeStatus,
};
use orderflow_testing::service::{RouterClient, last_delivery, without_body};
use serde_json::Value;

use crate::harness::{PaymentsHarness, cancelled, reserved};

/// A gateway whose refunds fail until a test allows them.
struct FailingRefunds {
    gateway: Arc<dyn PaymentGateway>,
    allowed: AtomicBool,
}

#[async_trait]
impl PaymentGateway for FailingRefunds {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.gateway.charge(request).await
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        if self.allowed.load(Ordering::Relaxed) {
            return self.gateway.reverse(order_id, amount).await;
        }
        Err(GatewayError::RefundFailed("insufficient funds".to_owned()))
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(order_id).await
    }
}

/// An order whose refund failed.
struct FailedRefund {
    payments: PaymentsHarness,
    gateway: Arc<FailingRefunds>,
    client: RouterClient,
    order: OrderId,
}

impl FailedRefund {
    async fn start() -> Self {
        let (payments, order) = (PaymentsHarness::open().await, OrderId::generate());
        let gateway =
            Arc::new(FailingRefunds { gateway: payments.gateway.clone(), allowed: AtomicBool::new(false) });
        payments.deliver(&[reserved(order)]).await;
        payments.consumer_with(gateway.clone()).handle(&[last_delivery(cancelled(order))]).await;
        assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
        let client = payments.client_with(gateway.clone());
        Self { payments, gateway, client, order }
    }

    async fn refund(&self, order: &str) -> (u16, Value) {
        let request = Request::post(format!("/api/v1/payments/{order}/refund"));
        self.client.send(without_body(request)).await
    }
}

#[tokio::test]
async fn a_retried_refund_is_made_once_and_emits_payment_refunded() {
    let failed = FailedRefund::start().await;
    failed.gateway.allowed.store(true, Ordering::Relaxed);
    let order = failed.order.to_string();
    let (first, second) = tokio::join!(failed.refund(&order), failed.refund(&order));
    for (status, body) in [first, second, failed.refund(&order).await] {
        assert_eq!(status, 200, "{body}");
        assert_eq!((&body["status"], &body["amount"]), (&"refunded".into(), &3998.into()));
    }
    assert_eq!(failed.payments.charge_status(failed.order).await, Some(SimulatedChargeStatus::Refunded));
    assert_eq!(failed.payments.emitted_types().await, ["payment.completed", "payment.refunded"]);
}

#[tokio::test]
async fn a_refund_that_fails_again_stays_failed_and_returns_the_reason() {
    let failed = FailedRefund::start().await;
    let (status, body) = failed.refund(&failed.order.to_string()).await;
    assert_eq!(status, 409);
    assert_eq!(body["type"], "urn:orderflow:problem:payment-not-refundable");
    assert!(body["detail"].as_str().unwrap().contains("insufficient funds"), "{body}");
    assert_eq!(failed.payments.status(failed.order).await, Some(PaymentStatus::RefundFailed));
}

#[tokio::test]
async fn only_a_failed_refund_can_be_retried() {
    let failed = FailedRefund::start().await;
    let charged = OrderId::generate();
    failed.payments.deliver(&[reserved(charged)]).await;
    let (status, body) = failed.refund(&charged.to_string()).await;
    assert_eq!(status, 409, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("completed"), "{body}");
    assert_eq!(failed.payments.charge_status(charged).await, Some(SimulatedChargeStatus::Captured));
    for unknown in [OrderId::generate().to_string(), "42".to_owned()] {
        assert_eq!(failed.refund(&unknown).await.0, 404, "{unknown}");
    }
}
