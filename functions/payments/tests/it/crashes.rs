//! Processes that die between the charge and its row.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, LedgerStatus, PaymentGateway, PaymentStatus, Undone,
};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::support::{Payments, cancelled, delivery, is_retry, reserved};

/// Charges and never comes back.
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

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        self.gateway.undo(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(order_id).await
    }
}

/// Has a worker die right after it charged the order.
async fn die_after_charging(payments: &Payments, order: OrderId) {
    let gateway = Arc::new(NeverReturns { gateway: payments.gateway.clone(), charged: Semaphore::new(0) });
    let worker = payments.worker(gateway.clone());
    let batch = [delivery(reserved(order))];
    tokio::select! {
        _ = worker.handle(&batch) => unreachable!("the gateway never returns"),
        _ = gateway.charged.acquire() => {}
    }
}

#[tokio::test]
async fn h15_a_crash_after_the_charge_leaves_no_record_in_progress_and_charges_nothing_again() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    die_after_charging(&payments, order).await;
    assert_eq!(payments.row(order).await, None);
    let charged = payments.gateway.ledger(order).await.unwrap().unwrap();
    assert_eq!(charged.status, LedgerStatus::Captured);

    // Whenever the event comes again, at once or after days: there is nothing to wait for and nothing that lapses.
    assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
    let now = payments.gateway.ledger(order).await.unwrap().unwrap();
    assert_eq!(now, charged);
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}

#[tokio::test]
async fn a_refusal_finds_the_charge_of_a_worker_that_died() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    die_after_charging(&payments, order).await;
    payments.handle(&[cancelled(order)]).await;
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Refunded));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Refunded));
    payments.handle(&[reserved(order)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.refunded"]);
}

#[tokio::test]
async fn a_row_whose_write_lost_its_answer_is_not_told_twice() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    let loses = |operation: &str, body: &Value| {
        let row = operation == "PutItem" && !body.to_string().contains("ledger#");
        row.then_some(Fault::LostAnswer)
    };
    payments.embedded.inject(Arc::new(loses));
    let outcomes = payments.handle(&[reserved(order)]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    payments.embedded.stop_injecting();
    assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}
