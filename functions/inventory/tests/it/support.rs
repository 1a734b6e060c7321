//! A stock of its own, events for it, and what it left behind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, Money, OrderEnded, OrderId, OrderLine, OrderPlaced,
    ProductChanged, Quantity, Sku, Timestamp,
};
use orderflow_embedded::{Embedded, Fault, Location, RequestCounts};
use orderflow_inventory::{INVENTORY, InventoryConsumer, InventorySettings};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{IndependentWrites, Store};
use serde::Deserialize;

/// What the tests look at of a reservation.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) outbox: String,
    pub(crate) version: u32,
}

#[derive(Debug, Deserialize)]
struct Level {
    available: i64,
    reserved: i64,
}

pub(crate) struct Stock {
    pub(crate) embedded: Embedded,
    pub(crate) store: Store,
    pub(crate) consumer: InventoryConsumer,
}

impl Stock {
    /// Stocks with these skus.
    pub(crate) async fn of(stocks: &[(&str, i64)]) -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        store.create_missing_tables(&[&INVENTORY]).await.unwrap();
        let consumer = InventoryConsumer::new(&store, InventorySettings::default());
        let stock = Self { embedded, store, consumer };
        let created: Vec<Event> = stocks.iter().map(|(sku, units)| created(sku, *units)).collect();
        stock.done(&created).await;
        stock
    }

    pub(crate) async fn handle(&self, events: &[Event]) -> Vec<Outcome> {
        let batch: Vec<Delivery> = events.iter().cloned().map(delivery).collect();
        self.consumer.handle(&batch).await
    }

    /// Handles events that have to be done.
    pub(crate) async fn done(&self, events: &[Event]) {
        let outcomes = self.handle(events).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
    }

    pub(crate) async fn reservation(&self, order: OrderId) -> Option<Reservation> {
        let table = self.store.table(&INVENTORY);
        table.get(table.key(format!("order#{order}"))).await.unwrap()
    }

    /// An item as it is stored.
    pub(crate) async fn item(&self, key: &str) -> serde_json::Value {
        let table = self.store.table(&INVENTORY);
        table.get(table.key(key)).await.unwrap().unwrap()
    }

    pub(crate) async fn status(&self, order: OrderId) -> Option<String> {
        self.reservation(order).await.map(|reservation| reservation.status)
    }

    /// Units available and reserved; none for a sku that is not known.
    pub(crate) async fn level(&self, sku: &str) -> Option<(i64, i64)> {
        let table = self.store.table(&INVENTORY);
        let level: Option<Level> = table.get(table.key(format!("stock#{sku}"))).await.unwrap();
        level.map(|level| (level.available, level.reserved))
    }

    /// What `work` asks of the store.
    pub(crate) async fn requests_of(&self, work: impl Future<Output = ()>) -> RequestCounts {
        let before = self.embedded.requests();
        work.await;
        self.embedded.requests().since(&before)
    }

    /// Has transactions fail with what `fault` makes of them.
    pub(crate) fn fail_transactions(
        &self,
        fault: impl FnMut(&serde_json::Value) -> Option<Fault> + Send + 'static,
    ) {
        let fault = Mutex::new(fault);
        self.embedded.inject(Arc::new(move |operation: &str, body: &serde_json::Value| {
            let fault = &mut *fault.lock().unwrap();
            if operation == "TransactWriteItems" { fault(body) } else { None }
        }));
    }
}

/// The actions of a transaction.
pub(crate) fn actions(body: &serde_json::Value) -> Vec<String> {
    let actions = body["TransactItems"].as_array().cloned().unwrap_or_default();
    actions.iter().map(ToString::to_string).collect()
}

pub(crate) fn delivery(event: Event) -> Delivery {
    Delivery { first_at: event.time, event, attempt: 1, last_attempt: false }
}

pub(crate) fn is_retry(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { .. })
}

pub(crate) fn price(amount: i64) -> Money {
    Money { amount, currency: Currency::parse("USD").unwrap() }
}

fn lines(lines: &[(&str, i64)]) -> Vec<OrderLine> {
    let line = |(sku, units): &(&str, i64)| OrderLine {
        sku: Sku::parse(sku).unwrap(),
        name: "A thing".to_owned(),
        quantity: Quantity::new(*units).unwrap(),
        unit_price: 100,
    };
    lines.iter().map(line).collect()
}

pub(crate) fn placed(order: OrderId, items: &[(&str, i64)]) -> Event {
    placed_ago(order, items, Duration::ZERO)
}

/// An order that was placed this long ago.
pub(crate) fn placed_ago(order: OrderId, items: &[(&str, i64)], age: Duration) -> Event {
    let data = OrderPlaced {
        order_id: order,
        customer_id: CustomerId::parse("C100").unwrap(),
        email: Email::parse("c100@example.com").unwrap(),
        phone: None,
        items: lines(items),
        total: price(100),
        payment_token: None,
    };
    let age = i64::try_from(age.as_millis()).unwrap();
    let time = Timestamp::from_millis(Timestamp::now().as_millis() - age);
    Event::new(EventData::OrderPlaced(data), "", time, None)
}

pub(crate) fn cancelled(order: OrderId) -> Event {
    let data = OrderEnded {
        order_id: order,
        customer_id: CustomerId::parse("C100").unwrap(),
        email: Email::parse("c100@example.com").unwrap(),
        phone: None,
        total: price(100),
        reason: Some("customer".to_owned()),
        items: lines(&[("A", 1)]),
    };
    Event::new(EventData::OrderCancelled(data), "", Timestamp::now(), None)
}

/// The same event told again, for the `redrive`th time.
pub(crate) fn again(event: Event, redrive: u32) -> Event {
    Event::redriven(event.data, redrive, event.time, None)
}

pub(crate) fn created(sku: &str, stock: i64) -> Event {
    let sku = Sku::parse(sku).unwrap();
    let data = ProductChanged { sku, name: "A thing".to_owned(), price: price(100), stock: Some(stock) };
    Event::new(EventData::ProductCreated(data), "version 1", Timestamp::now(), None)
}

pub(crate) fn orders(count: usize) -> Vec<OrderId> {
    (0..count).map(|_| OrderId::generate()).collect()
}
