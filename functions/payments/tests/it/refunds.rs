//! Refunds that were given up, tried again by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use orderflow_domain::{Money, OrderId};
use orderflow_messaging::Consumer;
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, LedgerStatus, PaymentGateway, PaymentStatus, Undone,
};
use serde_json::Value;

use crate::support::{Payments, cancelled, last_delivery, post, reserved};

/// Gives nothing back until it is told to.
struct Reluctant {
    gateway: Arc<dyn PaymentGateway>,
    gives_back: AtomicBool,
}

#[async_trait]
impl PaymentGateway for Reluctant {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.gateway.charge(request).await
    }

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        if self.gives_back.load(Ordering::Relaxed) {
            return self.gateway.undo(order_id, amount).await;
        }
        Err(GatewayError::RefundFailed("insufficient funds".to_owned()))
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(order_id).await
    }
}

/// An order whose refund was given up.
struct GivenUp {
    payments: Payments,
    gateway: Arc<Reluctant>,
    router: Router,
    order: OrderId,
}

impl GivenUp {
    async fn start() -> Self {
        let (payments, order) = (Payments::start().await, OrderId::generate());
        let gateway =
            Arc::new(Reluctant { gateway: payments.gateway.clone(), gives_back: AtomicBool::new(false) });
        payments.handle(&[reserved(order)]).await;
        payments.worker(gateway.clone()).handle(&[last_delivery(cancelled(order))]).await;
        assert_eq!(payments.status(order).await, Some(PaymentStatus::RefundFailed));
        let router = orderflow_payments::router(&payments.store, gateway.clone()).into();
        Self { payments, gateway, router, order }
    }

    async fn refund(&self, order: &str) -> (StatusCode, Value) {
        post(self.router.clone(), &format!("/api/v1/payments/{order}/refund")).await
    }
}

#[tokio::test]
async fn a_refund_that_was_given_up_is_made_once_and_told() {
    let given_up = GivenUp::start().await;
    given_up.gateway.gives_back.store(true, Ordering::Relaxed);
    let order = given_up.order.to_string();
    let (first, second) = tokio::join!(given_up.refund(&order), given_up.refund(&order));
    for (status, body) in [first, second, given_up.refund(&order).await] {
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!((&body["status"], &body["amount"]), (&"refunded".into(), &3998.into()));
    }
    assert_eq!(given_up.payments.ledger(given_up.order).await, Some(LedgerStatus::Refunded));
    assert_eq!(given_up.payments.emitted_types().await, ["payment.completed", "payment.refunded"]);
}

#[tokio::test]
async fn a_refund_that_is_refused_again_stays_failed_and_says_why() {
    let given_up = GivenUp::start().await;
    let (status, body) = given_up.refund(&given_up.order.to_string()).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(body["type"], "urn:orderflow:problem:payment-not-refundable");
    assert!(body["detail"].as_str().unwrap().contains("insufficient funds"), "{body}");
    assert_eq!(given_up.payments.status(given_up.order).await, Some(PaymentStatus::RefundFailed));
}

#[tokio::test]
async fn only_a_failed_refund_is_tried_again() {
    let given_up = GivenUp::start().await;
    let charged = OrderId::generate();
    given_up.payments.handle(&[reserved(charged)]).await;
    let (status, body) = given_up.refund(&charged.to_string()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("completed"), "{body}");
    assert_eq!(given_up.payments.ledger(charged).await, Some(LedgerStatus::Captured));
    for unknown in [OrderId::generate().to_string(), "42".to_owned()] {
        assert_eq!(given_up.refund(&unknown).await.0, StatusCode::NOT_FOUND, "{unknown}");
    }
}
