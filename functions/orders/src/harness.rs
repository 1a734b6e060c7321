//! Orders under test: their tracker and their routes over one store in memory.

use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_domain::{
    ChargeRules, Event, EventData, EventType, Fact, InventoryRejected, InventoryReleased, InventoryReserved,
    Order, OrderId, OrderState, PaymentOutcome, RejectionReason, Timestamp,
};
use orderflow_messaging::Outcome;
use orderflow_store::{Listing, Outbox, partitions};
use orderflow_testing::samples::{customer_id, email, lines, total, usd};
use orderflow_testing::service::{self, RouterClient, ServiceHarness};
use serde_json::Value;

use crate::repository::Orders;
use crate::table::{OPEN, ORDERS, OrderRecord, SHARDS};
use crate::{OrderTracker, router};

pub(crate) struct OrdersHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) tracker: OrderTracker,
    pub(crate) orders: Orders,
    client: RouterClient,
}

impl OrdersHarness {
    pub(crate) async fn open() -> Self {
        let service = ServiceHarness::open(&[&ORDERS]).await;
        let store = &service.store;
        let catalog = Catalog::new(store, &CatalogSettings::default());
        let client = RouterClient::new(router(store, catalog, ChargeRules::default()));
        Self { tracker: OrderTracker::new(store), orders: Orders::new(store), client, service }
    }

    pub(crate) async fn place(&self) -> OrderId {
        self.place_order(order()).await
    }

    pub(crate) async fn place_order(&self, order: Order) -> OrderId {
        let record = OrderRecord::placed(order, None, None);
        let outbox = Outbox::of(EventType::OrderPlaced);
        assert!(self.orders.create(&record, &outbox).await.unwrap().is_none());
        record.id
    }

    pub(crate) async fn deliver(&self, events: &[Event]) -> Vec<Outcome> {
        service::deliver(&self.tracker, events).await
    }

    pub(crate) async fn deliver_all(&self, events: &[Event]) {
        service::deliver_all(&self.tracker, events).await;
    }

    pub(crate) async fn order(&self, id: OrderId) -> OrderRecord {
        self.orders.get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn status(&self, id: OrderId) -> String {
        self.order(id).await.state().unwrap().status.to_string()
    }

    /// Returns what the last write of the order emitted.
    pub(crate) async fn outbox(&self, id: OrderId) -> String {
        self.service.outbox(&ORDERS, &id.to_string()).await
    }

    /// Returns whether the index of unsettled orders names the order.
    pub(crate) async fn is_open(&self, id: OrderId) -> bool {
        let listing = Listing { index: &OPEN, partitions: partitions("open", SHARDS), descending: false };
        let open = self.service.store.table(&ORDERS).list(&listing, None, 100).await.unwrap();
        open.iter().any(|key| key.ends_with(&id.to_string()))
    }

    /// Cancels an order over HTTP. Returns the status of the answer.
    pub(crate) async fn cancel(&self, id: OrderId) -> u16 {
        self.client.delete(&format!("/api/v1/orders/{id}")).await.0
    }

    /// Restarts an order over HTTP. Returns the status of the answer, and the order.
    pub(crate) async fn resend(&self, id: OrderId) -> (u16, Value) {
        self.client.post(&format!("/api/v1/orders/{id}/resend"), &Value::Null).await
    }

    /// Reads the timeline of an order over HTTP.
    pub(crate) async fn events(&self, id: OrderId) -> Value {
        let (_, mut body) = self.client.get(&format!("/api/v1/orders/{id}/events")).await;
        body["events"].take()
    }
}

/// Returns a new order with one unit of A.
pub(crate) fn order() -> Order {
    order_of(&["A"])
}

/// Returns a new order with one unit of each of these skus.
pub(crate) fn order_of(skus: &[&str]) -> Order {
    let items: Vec<(&str, i64)> = skus.iter().map(|sku| (*sku, 1)).collect();
    Order {
        id: OrderId::generate(),
        customer_id: customer_id(),
        email: email(),
        phone: None,
        payment_token: None,
        lines: lines(&items),
        total: total(&items),
        state: OrderState::PLACED,
        created_at: Timestamp::now(),
        updated_at: Timestamp::now(),
    }
}

/// Returns the event by which inventory or payments report a fact.
pub(crate) fn report(order_id: OrderId, fact: Fact) -> Event {
    let total = usd(100);
    let payment = PaymentOutcome {
        order_id,
        amount: total.amount,
        currency: total.currency.clone(),
        provider_id: None,
        reason: None,
        email: None,
        phone: None,
    };
    let data = match fact {
        Fact::Reserved => {
            EventData::InventoryReserved(InventoryReserved { order_id, total, payment_token: None })
        }
        Fact::NotReserved(reason) => {
            EventData::InventoryRejected(InventoryRejected { order_id, reason, shortages: Vec::new() })
        }
        Fact::Released => EventData::InventoryReleased(InventoryReleased { order_id, items: Vec::new() }),
        Fact::Paid => EventData::PaymentCompleted(payment),
        Fact::Declined => EventData::PaymentFailed(payment),
        Fact::Uncharged => EventData::PaymentVoided(payment),
        Fact::Cancelled(_) => unreachable!("no event reports a cancellation to the tracker"),
    };
    Event::new(data, "", Timestamp::now(), None)
}

/// Inventory has too few units.
pub(crate) const OUT_OF_STOCK: Fact = Fact::NotReserved(RejectionReason::OutOfStock);
