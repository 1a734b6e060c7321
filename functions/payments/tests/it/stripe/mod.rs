//! The Stripe gateway against a stub of Stripe's API.

mod amounts;
mod charges;
mod declines;
mod failures;
mod foreign;
mod free_orders;
mod refunds;
mod stub;
mod webhooks;

use std::sync::Arc;

use orderflow_domain::{Event, OrderId, PaymentToken};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_payments::{Charge, ChargeRequest, GatewayError, PaymentGateway, Reversal, StripeGateway};
use orderflow_testing::service::first_delivery;

use crate::harness::{PaymentsHarness, reserved_with, total};
use stub::{Reply, StripeStub};

const CREATE: &str = "POST payment_intents";
const READ: &str = "GET payment_intents/pi_1";
const CONFIRM: &str = "POST payment_intents/pi_1/confirm";
const CANCEL: &str = "POST payment_intents/pi_1/cancel";
const REFUND: &str = "POST refunds";
const REFUNDS: &str = "GET refunds";

/// One order, paid through Stripe's stub.
struct StripeHarness {
    payments: PaymentsHarness,
    gateway: Arc<StripeGateway>,
    stub: StripeStub,
    order: OrderId,
}

impl StripeHarness {
    async fn start(stub: StripeStub) -> Self {
        let payments = PaymentsHarness::open().await;
        let gateway = Arc::new(StripeGateway::new(&payments.service.store, &stub.settings()).unwrap());
        Self { payments, gateway, stub, order: OrderId::generate() }
    }

    async fn charge(&self) -> Result<Charge, GatewayError> {
        let token = Some(PaymentToken::parse("pm_secret").unwrap());
        self.gateway.charge(&ChargeRequest { order_id: self.order, amount: total(), token }).await
    }

    async fn reverse(&self) -> Result<Reversal, GatewayError> {
        self.gateway.reverse(self.order, &total()).await
    }

    async fn find(&self) -> Result<Option<Charge>, GatewayError> {
        self.gateway.find(self.order).await
    }

    /// Delivers `inventory.reserved` of the order.
    async fn deliver(&self) -> Outcome {
        self.deliver_event(reserved_with(self.order, Some("pm_secret"))).await
    }

    async fn deliver_event(&self, event: Event) -> Outcome {
        let consumer = self.payments.consumer_with(self.gateway.clone());
        consumer.handle(&[first_delivery(event)]).await.remove(0)
    }

    /// Returns the number of requests with this line.
    fn count(&self, line: &str) -> usize {
        self.stub.lines().iter().filter(|received| *received == line).count()
    }
}

fn captured() -> Result<Charge, GatewayError> {
    Ok(Charge::Captured { provider_id: "pi_1".to_owned() })
}

fn declined(reason: &str) -> Result<Charge, GatewayError> {
    Ok(Charge::Declined { reason: reason.to_owned() })
}

fn refunded() -> Result<Reversal, GatewayError> {
    Ok(Reversal::Refunded { provider_id: "pi_1".to_owned() })
}

/// Starts a stub that creates intents.
async fn creating() -> StripeStub {
    StripeStub::start().await.on(CREATE, [Reply::intent("requires_confirmation")])
}

/// Starts a stub that creates intents and confirms them.
async fn charging() -> StripeStub {
    creating().await.on(CONFIRM, [Reply::intent("succeeded")])
}
