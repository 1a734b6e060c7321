//! Processes that crash between the charge and the write of its row.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, PaymentGateway, PaymentStatus, Reversal, SimulatedChargeStatus,
};
use orderflow_testing::service::{first_delivery, is_retry};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::harness::{PaymentsHarness, cancelled, reserved};

/// A gateway whose `charge` charges the order and never returns.
struct NeverReturns {
    gateway: Arc<dyn PaymentGateway>,
    charged: Semaphore,
}

#[async_trait]
impl PaymentGateway for NeverReturns {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.gateway.charge(request).await?;
        self.charged.add_permits(1);
        std::future::pending().await
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        self.gateway.reverse(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(order_id).await
    }
}

/// Crashes a consumer right after it charged the order.
async fn crash_after_charging(payments: &PaymentsHarness, order: OrderId) {
    let gateway = Arc::new(NeverReturns { gateway: payments.gateway.clone(), charged: Semaphore::new(0) });
    let consumer = payments.consumer_with(gateway.clone());
    let batch = [first_delivery(reserved(order))];
    tokio::select! {
        _ = consumer.handle(&batch) => unreachable!("the gateway never returns"),
        _ = gateway.charged.acquire() => {}
    }
}

#[tokio::test]
async fn h15_a_crash_after_the_charge_leaves_no_row_in_progress_and_makes_no_second_charge() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    crash_after_charging(&payments, order).await;
    assert_eq!(payments.row(order).await, None);
    let charged = payments.gateway.charge_of(order).await.unwrap().unwrap();
    assert_eq!(charged.status, SimulatedChargeStatus::Captured);

    // The retry needs no delay: no row in progress has to expire first.
    assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
    let now = payments.gateway.charge_of(order).await.unwrap().unwrap();
    assert_eq!(now, charged);
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}

#[tokio::test]
async fn a_refusal_refunds_the_charge_of_a_crashed_consumer() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    crash_after_charging(&payments, order).await;
    payments.deliver(&[cancelled(order)]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Refunded));
    payments.deliver(&[reserved(order)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.refunded"]);
}

#[tokio::test]
async fn a_lost_answer_to_the_row_write_emits_one_event() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    let loses = |operation: &str, body: &Value| {
        let row = operation == "PutItem" && !body.to_string().contains("ledger#");
        row.then_some(Fault::LostAnswer)
    };
    payments.service.embedded.inject(Arc::new(loses));
    let outcomes = payments.deliver(&[reserved(order)]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    payments.service.stop_failing();
    assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}
