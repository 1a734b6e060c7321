//! The payment service under test: its consumer over a store in memory and the simulated gateway, and events for it.

use std::sync::Arc;

use orderflow_domain::{
    Event, EventData, InventoryReserved, Money, OrderEnded, OrderId, PaymentToken, Timestamp,
};
use orderflow_messaging::Outcome;
use orderflow_payments::{
    EVENT_SOURCE, FaultSwitch, PAYMENTS, PaymentConsumer, PaymentGateway, PaymentStatus,
    SimulatedChargeStatus, SimulatedGateway, SimulatedSettings,
};
use orderflow_testing::samples::{order_ended, usd};
use orderflow_testing::service::{RouterClient, ServiceHarness, deliver};
use serde::Deserialize;

pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The part of a payment's row that the tests read.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Row {
    pub(crate) status: PaymentStatus,
    pub(crate) amount: i64,
    pub(crate) provider_id: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) version: u32,
}

pub(crate) struct PaymentsHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) gateway: Arc<SimulatedGateway>,
    pub(crate) fault: FaultSwitch,
    pub(crate) consumer: Arc<PaymentConsumer>,
}

impl PaymentsHarness {
    pub(crate) async fn open() -> Self {
        Self::with_settings(SimulatedSettings::default()).await
    }

    pub(crate) async fn with_settings(settings: SimulatedSettings) -> Self {
        let service = ServiceHarness::open(&[&PAYMENTS]).await;
        let fault = FaultSwitch::default();
        let gateway = Arc::new(SimulatedGateway::new(&service.store, settings, fault.clone()));
        let consumer = Arc::new(PaymentConsumer::new(&service.store, gateway.clone()));
        Self { service, gateway, fault, consumer }
    }

    /// Creates a second consumer over the same store, with another gateway.
    pub(crate) fn consumer_with(&self, gateway: Arc<dyn PaymentGateway>) -> Arc<PaymentConsumer> {
        Arc::new(PaymentConsumer::new(&self.service.store, gateway))
    }

    /// Returns a client of the routes, with another gateway.
    pub(crate) fn client_with(&self, gateway: Arc<dyn PaymentGateway>) -> RouterClient {
        RouterClient::new(orderflow_payments::router(&self.service.store, gateway))
    }

    /// Returns a client of the routes.
    pub(crate) fn client(&self) -> RouterClient {
        self.client_with(self.gateway.clone())
    }

    pub(crate) async fn deliver(&self, events: &[Event]) -> Vec<Outcome> {
        deliver(self.consumer.as_ref(), events).await
    }

    pub(crate) async fn row(&self, order: OrderId) -> Option<Row> {
        self.service.item(&PAYMENTS, &order.to_string()).await
    }

    pub(crate) async fn status(&self, order: OrderId) -> Option<PaymentStatus> {
        self.row(order).await.map(|row| row.status)
    }

    /// Reads the status of the order's charge at the simulated gateway.
    pub(crate) async fn charge_status(&self, order: OrderId) -> Option<SimulatedChargeStatus> {
        let charge = self.gateway.charge_of(order).await.unwrap();
        charge.map(|charge| charge.status)
    }

    pub(crate) async fn emitted(&self) -> Vec<Event> {
        self.service.emitted(&EVENT_SOURCE).await
    }

    /// Returns the types of all emitted events, with the number of the resend, such as `payment.completed@2`.
    pub(crate) async fn emitted_types(&self) -> Vec<String> {
        let events = self.emitted().await;
        events
            .iter()
            .map(|event| match event.resend {
                None => event.event_type().to_string(),
                Some(resend) => format!("{}@{resend}", event.event_type()),
            })
            .collect()
    }
}

pub(crate) fn total() -> Money {
    usd(3998)
}

fn event(data: EventData) -> Event {
    Event::new(data, "", Timestamp::now(), Some(TRACE.to_owned()))
}

pub(crate) fn reserved_with(order: OrderId, token: Option<&str>) -> Event {
    event(EventData::InventoryReserved(InventoryReserved {
        order_id: order,
        total: total(),
        payment_token: token.map(|token| PaymentToken::parse(token).unwrap()),
    }))
}

pub(crate) fn reserved(order: OrderId) -> Event {
    reserved_with(order, None)
}

fn ended(order: OrderId, reason: &str) -> OrderEnded {
    OrderEnded {
        phone: Some("+4930123456".parse().unwrap()),
        total: total(),
        reason: Some(reason.to_owned()),
        ..order_ended(order, &[])
    }
}

pub(crate) fn rejected(order: OrderId, reason: &str) -> Event {
    event(EventData::OrderRejected(ended(order, reason)))
}

pub(crate) fn cancelled(order: OrderId) -> Event {
    event(EventData::OrderCancelled(ended(order, "customer")))
}

/// Returns the event for an order with a total of 0.
pub(crate) fn free(mut event: Event) -> Event {
    match &mut event.data {
        EventData::InventoryReserved(data) => data.total.amount = 0,
        EventData::OrderRejected(data) | EventData::OrderCancelled(data) => data.total.amount = 0,
        other => panic!("no order total in {other:?}"),
    }
    event
}
