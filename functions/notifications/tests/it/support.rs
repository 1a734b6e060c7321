//! A notification service of its own, events for it, and a channel that remembers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, Money, OrderEnded, OrderId, OrderLine, PaymentOutcome,
    Phone, Quantity, Sku, Timestamp,
};
use orderflow_embedded::{Embedded, Location};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_notifications::{
    Channel, ChannelError, ChannelKind, Message, NOTIFICATIONS, NotificationConsumer,
};
use orderflow_store::{IndependentWrites, Store};
use serde::Deserialize;

pub(crate) const EMAIL: &str = "jane@example.com";
pub(crate) const PHONE: &str = "+4930123456";

/// Keeps what it is given. Fails where it is told to.
#[derive(Default)]
pub(crate) struct Outgoing {
    pub(crate) messages: Mutex<Vec<Message>>,
    /// How messages fail that go out for an order by a channel.
    pub(crate) failing: Mutex<HashMap<(OrderId, ChannelKind), ChannelError>>,
}

impl Outgoing {
    pub(crate) fn fail(&self, order: OrderId, channel: ChannelKind, error: ChannelError) {
        self.failing.lock().unwrap().insert((order, channel), error);
    }

    pub(crate) fn stop_failing(&self, order: OrderId, channel: ChannelKind) {
        self.failing.lock().unwrap().remove(&(order, channel));
    }
}

#[async_trait]
impl Channel for Outgoing {
    async fn send(&self, message: &Message) -> Result<(), ChannelError> {
        let key = (message.order_id, message.recipient.channel());
        if let Some(error) = self.failing.lock().unwrap().get(&key) {
            return Err(error.clone());
        }
        self.messages.lock().unwrap().push(message.clone());
        // Lets a second batch in between sending and recording.
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// What the tests look at of a record.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) recipient: String,
}

pub(crate) struct Notifications {
    pub(crate) embedded: Embedded,
    pub(crate) store: Store,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) consumer: NotificationConsumer,
}

impl Notifications {
    pub(crate) async fn start() -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let writes = IndependentWrites::OneTransaction;
        let store = Store::new(embedded.dynamodb(), "test", writes);
        store.create_missing_tables(&[&NOTIFICATIONS]).await.unwrap();
        let outgoing = Arc::new(Outgoing::default());
        let consumer = NotificationConsumer::new(&store, outgoing.clone());
        Self { embedded, store, outgoing, consumer }
    }

    pub(crate) async fn handle(&self, events: &[Event]) -> Vec<Outcome> {
        self.consumer.handle(&deliveries(events)).await
    }

    pub(crate) async fn rows(&self, order: OrderId) -> Vec<Row> {
        let table = self.store.table(&NOTIFICATIONS);
        table.get_collection(&order.to_string()).await.unwrap()
    }

    pub(crate) async fn ids(&self, order: OrderId) -> Vec<String> {
        let rows = self.rows(order).await;
        rows.into_iter().map(|row| row.id).collect()
    }

    pub(crate) fn sent(&self) -> Vec<Message> {
        self.outgoing.messages.lock().unwrap().clone()
    }

    /// The text that went out by a channel, an e-mail's with its subject in front.
    pub(crate) fn text(&self, channel: ChannelKind) -> String {
        let sent = self.sent();
        let by_channel: Vec<_> =
            sent.iter().filter(|message| message.recipient.channel() == channel).collect();
        let [message] = by_channel[..] else { panic!("{sent:?}") };
        match &message.subject {
            Some(subject) => format!("{subject}\n---\n{}", message.body),
            None => message.body.clone(),
        }
    }
}

pub(crate) fn deliveries(events: &[Event]) -> Vec<Delivery> {
    let delivery = |event: &Event| Delivery {
        event: event.clone(),
        attempt: 1,
        first_at: event.time,
        last_attempt: false,
    };
    events.iter().map(delivery).collect()
}

fn event(data: EventData) -> Event {
    Event::new(data, "", Timestamp::now(), None)
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn ended(order: OrderId, reason: Option<&str>) -> OrderEnded {
    let line = |sku: &str, name: &str, quantity, unit_price| OrderLine {
        sku: Sku::parse(sku).unwrap(),
        name: name.to_owned(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price,
    };
    OrderEnded {
        order_id: order,
        customer_id: CustomerId::parse("C100").unwrap(),
        email: Email::parse(EMAIL).unwrap(),
        phone: Some(Phone::parse(PHONE).unwrap()),
        total: Money { amount: 8998, currency: usd() },
        reason: reason.map(str::to_owned),
        items: vec![
            line("TSHIRT-BLK-M", "T-shirt <black> & {{ soft }}", 2, 1999),
            line("PRODUCT-002", "Mouse", 2, 2500),
        ],
    }
}

pub(crate) fn confirmed(order: OrderId) -> Event {
    event(EventData::OrderConfirmed(ended(order, None)))
}

/// The same for a customer without a telephone.
pub(crate) fn confirmed_without_phone(order: OrderId) -> Event {
    event(EventData::OrderConfirmed(OrderEnded { phone: None, ..ended(order, None) }))
}

pub(crate) fn rejected(order: OrderId, reason: &str) -> Event {
    event(EventData::OrderRejected(ended(order, Some(reason))))
}

pub(crate) fn cancelled(order: OrderId, reason: &str) -> Event {
    event(EventData::OrderCancelled(ended(order, Some(reason))))
}

pub(crate) fn refunded(order: OrderId, email: Option<&str>) -> Event {
    event(EventData::PaymentRefunded(PaymentOutcome {
        order_id: order,
        amount: 8998,
        currency: usd(),
        provider_id: None,
        reason: Some("customer".to_owned()),
        email: email.map(|email| Email::parse(email).unwrap()),
        phone: Some(Phone::parse(PHONE).unwrap()),
    }))
}
