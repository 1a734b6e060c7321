//! The notification service under test: its consumer over a store in memory, with a channel that records messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orderflow_domain::{ChannelKind, Event, EventData, OrderEnded, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::Outcome;
use orderflow_notifications::{
    Channel, ChannelError, Message, NOTIFICATIONS, NotificationConsumer, Templates, Turn,
};
use orderflow_testing::service::{RouterClient, ServiceHarness, deliver};
use serde::Deserialize;
use serde_json::Value;

use crate::outcomes::{ended, event};

/// A channel that records messages, and fails or never answers on request.
#[derive(Default)]
pub(crate) struct RecordingChannel {
    pub(crate) messages: Mutex<Vec<Message>>,
    /// The errors of messages, by order and channel.
    pub(crate) failing: Mutex<HashMap<(OrderId, ChannelKind), ChannelError>>,
    /// The order whose messages are never answered.
    pub(crate) unanswered: Mutex<Option<OrderId>>,
}

impl RecordingChannel {
    pub(crate) fn fail(&self, order: OrderId, channel: ChannelKind, error: ChannelError) {
        self.failing.lock().unwrap().insert((order, channel), error);
    }

    pub(crate) fn stop_failing(&self, order: OrderId, channel: ChannelKind) {
        self.failing.lock().unwrap().remove(&(order, channel));
    }
}

#[async_trait]
impl Channel for RecordingChannel {
    async fn send(&self, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        turn.wait().await?;
        let key = message.order_id.map(|order| (order, message.recipient.channel()));
        let failing = key.and_then(|key| self.failing.lock().unwrap().get(&key).cloned());
        if let Some(error) = failing {
            return Err(error);
        }
        if message.order_id.is_some() && message.order_id == *self.unanswered.lock().unwrap() {
            return std::future::pending().await;
        }
        self.messages.lock().unwrap().push(message.clone());
        // Lets another batch run between the sending and the recording.
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// The part of a notification's row that the tests read.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) recipient: String,
}

pub(crate) struct NotificationsHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) channel: Arc<RecordingChannel>,
    pub(crate) templates: Arc<Templates>,
    pub(crate) consumer: NotificationConsumer,
    pub(crate) client: RouterClient,
}

impl NotificationsHarness {
    pub(crate) async fn open() -> Self {
        let service = ServiceHarness::open(&[&NOTIFICATIONS]).await;
        let (channel, templates) = (Arc::new(RecordingChannel::default()), Arc::new(Templates::built_in()));
        let consumer = NotificationConsumer::new(&service.store, channel.clone(), templates.clone());
        let client = RouterClient::new(orderflow_notifications::router(&service.store, templates.clone()));
        Self { service, channel, templates, consumer, client }
    }

    /// Creates another consumer over the same store.
    pub(crate) fn consumer_with(&self, channel: Arc<dyn Channel>) -> NotificationConsumer {
        NotificationConsumer::new(&self.service.store, channel, self.templates.clone())
    }

    pub(crate) async fn deliver(&self, events: &[Event]) -> Vec<Outcome> {
        deliver(&self.consumer, events).await
    }

    pub(crate) async fn rows(&self, order: OrderId) -> Vec<Row> {
        let table = self.service.store.table(&NOTIFICATIONS);
        table.get_collection(&order.to_string()).await.unwrap()
    }

    /// Returns the messages about an order that the API shows.
    pub(crate) async fn shown(&self, order: OrderId) -> Vec<Value> {
        let (_, list) = self.client.get(&format!("/api/v1/notifications?order_id={order}")).await;
        list["notifications"].as_array().unwrap().clone()
    }

    pub(crate) async fn ids(&self, order: OrderId) -> Vec<String> {
        let rows = self.rows(order).await;
        rows.into_iter().map(|row| row.id).collect()
    }

    pub(crate) fn sent(&self) -> Vec<Message> {
        self.channel.messages.lock().unwrap().clone()
    }

    /// Returns the text of the only message on a channel, an e-mail with its subject line, as in a template.
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

/// Fails each write that records a message as sent, and no claim.
pub(crate) fn records_fail(operation: &str, request: &Value) -> Option<Fault> {
    let records = ["PutItem", "TransactWriteItems"].contains(&operation)
        && request.to_string().contains(r#"{"S":"sent"}"#);
    records.then_some(Fault::InternalServerError)
}

/// Returns `order.confirmed` of a customer without a telephone number.
pub(crate) fn confirmed_without_phone(order: OrderId) -> Event {
    event(EventData::OrderConfirmed(OrderEnded { phone: None, ..ended(order, None) }))
}
