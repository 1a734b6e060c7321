//! A table of orders of its own, and what moves them.
use std::collections::HashMap;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use http_body_util::BodyExt;
use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, EventType, Fact, InventoryRejected, InventoryReleased,
    InventoryReserved, Money, Order, OrderId, OrderLine, OrderState, PaymentOutcome, Quantity,
    RejectionReason, Sku, Timestamp,
};
use orderflow_embedded::{Embedded, Location};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{IndependentWrites, Listing, OUTBOX, Outbox, Store, partitions};
use tower::ServiceExt;

use crate::record::OrderRecord;
use crate::repository::Orders;
use crate::table::{OPEN, ORDERS, SHARDS};
use crate::{OrderTracker, router};

pub(crate) struct Desk {
    pub(crate) embedded: Embedded,
    pub(crate) store: Store,
    pub(crate) tracker: OrderTracker,
    pub(crate) orders: Orders,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        store.create_missing_tables(&[&ORDERS]).await.unwrap();
        let tracker = OrderTracker::new(&store);
        let orders = Orders::new(&store);
        Self { embedded, store, tracker, orders }
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

    pub(crate) async fn handle(&self, events: &[Event]) -> Vec<Outcome> {
        let deliver = |event: &Event| Delivery {
            event: event.clone(),
            attempt: 1,
            first_at: event.time,
            last_attempt: false,
        };
        self.tracker.handle(&events.iter().map(deliver).collect::<Vec<_>>()).await
    }

    pub(crate) async fn done(&self, events: &[Event]) {
        let outcomes = self.handle(events).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
    }

    pub(crate) async fn order(&self, id: OrderId) -> OrderRecord {
        self.orders.get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn status(&self, id: OrderId) -> String {
        self.order(id).await.state().unwrap().status.to_string()
    }

    /// What the last write of the order emitted.
    pub(crate) async fn outbox(&self, id: OrderId) -> String {
        let table = self.store.table(&ORDERS);
        let item: HashMap<String, serde_json::Value> =
            table.get(table.key(id.to_string())).await.unwrap().unwrap();
        item.get(OUTBOX).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    }

    pub(crate) async fn is_open(&self, id: OrderId) -> bool {
        let listing = Listing { index: &OPEN, partitions: partitions("open", SHARDS), descending: false };
        let open = self.store.table(&ORDERS).list(&listing, None, 100).await.unwrap();
        open.iter().any(|key| key.ends_with(&id.to_string()))
    }

    pub(crate) async fn cancel(&self, id: OrderId) -> u16 {
        self.call(Request::delete(format!("/api/v1/orders/{id}"))).await.0
    }

    /// What happened to an order, as clients see it.
    pub(crate) async fn events(&self, id: OrderId) -> serde_json::Value {
        let (_, mut body) = self.call(Request::get(format!("/api/v1/orders/{id}/events"))).await;
        body["events"].take()
    }

    async fn call(&self, request: Builder) -> (u16, serde_json::Value) {
        let catalog = Catalog::new(&self.store, &CatalogSettings::default());
        let request = request.body(Body::empty()).unwrap();
        let response = axum::Router::from(router(&self.store, catalog)).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

fn money() -> Money {
    Money { amount: 100, currency: Currency::parse("USD").unwrap() }
}

pub(crate) fn order() -> Order {
    order_of(&["A"])
}

/// An order with one unit of each of these.
pub(crate) fn order_of(skus: &[&str]) -> Order {
    let line = |sku: &&str| OrderLine {
        sku: Sku::parse(sku).unwrap(),
        name: "A thing".to_owned(),
        quantity: Quantity::new(1).unwrap(),
        unit_price: 100,
    };
    Order {
        id: OrderId::generate(),
        customer_id: CustomerId::parse("C1").unwrap(),
        email: Email::parse("c@example.com").unwrap(),
        phone: None,
        payment_token: None,
        lines: skus.iter().map(line).collect(),
        total: money(),
        state: OrderState::PLACED,
        created_at: Timestamp::now(),
        updated_at: Timestamp::now(),
    }
}

/// The event that reports a fact.
pub(crate) fn report(order_id: OrderId, fact: Fact) -> Event {
    let Money { amount, currency } = money();
    let payment = PaymentOutcome {
        order_id,
        amount,
        currency,
        provider_id: None,
        reason: None,
        email: None,
        phone: None,
    };
    let data = match fact {
        Fact::Reserved => {
            EventData::InventoryReserved(InventoryReserved { order_id, total: money(), payment_token: None })
        }
        Fact::NotReserved(reason) => {
            EventData::InventoryRejected(InventoryRejected { order_id, reason, shortages: Vec::new() })
        }
        Fact::Released => EventData::InventoryReleased(InventoryReleased { order_id, items: Vec::new() }),
        Fact::Paid => EventData::PaymentCompleted(payment),
        Fact::Declined => EventData::PaymentFailed(payment),
        Fact::Uncharged => EventData::PaymentVoided(payment),
        Fact::Cancelled(_) => unreachable!("nobody reports a cancellation to the tracker"),
    };
    Event::new(data, "", Timestamp::now(), None)
}

/// Inventory has too few units.
pub(crate) const SHORT: Fact = Fact::NotReserved(RejectionReason::OutOfStock);
