//! What is asked of Stripe, and what its answers mean.

mod charges;
mod declines;
mod failures;
mod foreign;
mod refunds;
mod stub;

use std::sync::Arc;

use orderflow_domain::{Event, OrderId, PaymentToken};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{Charge, ChargeRequest, GatewayError, PaymentGateway, StripeGateway, Undone};

use crate::support::{Payments, delivery, reserved_with, total};
use stub::{Reply, StripeStub};

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

    async fn find(&self) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(self.order).await
    }

    /// Has a worker handle that the order's units are held.
    async fn handle(&self) -> Outcome {
        self.handle_event(reserved_with(self.order, Some("pm_secret"))).await
    }

    async fn handle_event(&self, event: Event) -> Outcome {
        let worker = self.payments.worker(self.gateway.clone());
        worker.handle(&[delivery(event)]).await.remove(0)
    }

    /// How often that was asked.
    fn asked(&self, line: &str) -> usize {
        self.stub.lines().iter().filter(|asked| *asked == line).count()
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
