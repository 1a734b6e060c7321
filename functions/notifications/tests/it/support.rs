//! A notification service of its own, and a channel that remembers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use orderflow_domain::{ChannelKind, Event, EventData, OrderEnded, OrderId};
use orderflow_embedded::{Embedded, Location};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_notifications::{
    Channel, ChannelError, Message, NOTIFICATIONS, NotificationConsumer, Templates,
};
use orderflow_store::{IndependentWrites, Store};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use crate::outcomes::{deliveries, ended, event};

/// Keeps what it is given. Fails where it is told to.
#[derive(Default)]
pub(crate) struct Outgoing {
    pub(crate) messages: Mutex<Vec<Message>>,
    /// How messages fail that go out for an order by a channel.
    pub(crate) failing: Mutex<HashMap<(OrderId, ChannelKind), ChannelError>>,
    /// The order for which no message is ever answered.
    pub(crate) unanswered: Mutex<Option<OrderId>>,
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
        let key = message.order_id.map(|order| (order, message.recipient.channel()));
        let failing = key.and_then(|key| self.failing.lock().unwrap().get(&key).cloned());
        if let Some(error) = failing {
            return Err(error);
        }
        if message.order_id.is_some() && message.order_id == *self.unanswered.lock().unwrap() {
            return std::future::pending().await;
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
    pub(crate) templates: Arc<Templates>,
    pub(crate) consumer: NotificationConsumer,
}

impl Notifications {
    pub(crate) async fn start() -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let writes = IndependentWrites::OneTransaction;
        let store = Store::new(embedded.dynamodb(), "test", writes);
        store.create_missing_tables(&[&NOTIFICATIONS]).await.unwrap();
        let outgoing = Arc::new(Outgoing::default());
        let templates = Arc::new(Templates::built_in());
        let consumer = NotificationConsumer::new(&store, outgoing.clone(), templates.clone());
        Self { embedded, store, outgoing, templates, consumer }
    }

    /// Another consumer over the same store and channel.
    pub(crate) fn another_consumer(&self) -> NotificationConsumer {
        NotificationConsumer::new(&self.store, self.outgoing.clone(), self.templates.clone())
    }

    /// What the routes answer.
    pub(crate) async fn call(&self, request: Request<Body>) -> (StatusCode, Value) {
        let router = axum::Router::from(orderflow_notifications::router(&self.store, self.templates.clone()));
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
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

    /// The text that went out by a channel, an e-mail's with its subject in front, as in a template.
    pub(crate) fn text(&self, channel: ChannelKind) -> String {
        let sent = self.sent();
        let by_channel: Vec<_> =
            sent.iter().filter(|message| message.recipient.channel() == channel).collect();
        let [message] = by_channel[..] else { panic!("{sent:?}") };
        match &message.subject {
            Some(subject) => format!("Subject: {subject}\n\n{}", message.body),
            None => message.body.clone(),
        }
    }
}

/// `order.confirmed` of a customer without a telephone.
pub(crate) fn confirmed_without_phone(order: OrderId) -> Event {
    event(EventData::OrderConfirmed(OrderEnded { phone: None, ..ended(order, None) }))
}
