//! Publishes the relay's events to the exchange.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation, PublisherConfirm};
use orderflow_domain::{Event, EventType};
use orderflow_messaging::{PublishError, Publisher, SUBSCRIPTIONS};
use tokio::time::timeout;

use super::names::EXCHANGE;
use super::transfer::{CONFIRM_TIMEOUT, ConfirmingChannel};
use super::{RabbitError, RabbitMq, headers};

/// The number of events that are published before their confirms are awaited.
const WINDOW: usize = 256;

/// How often a publish declares the topology again and goes on. A missing exchange closes the channel, and a channel that is opened while the
/// former one closes may fail too.
const REPAIRS_MAX: usize = 3;

/// Publishes events, in order, and waits until the broker has confirmed each.
pub struct RabbitPublisher {
    confirming: ConfirmingChannel,
}

impl RabbitPublisher {
    /// Returns a publisher for this broker.
    pub fn new(broker: Arc<RabbitMq>) -> Self {
        Self { confirming: ConfirmingChannel::new(broker) }
    }

    async fn publish_all(&self, events: &[Event], done: &mut usize) -> Result<(), RabbitError> {
        let in_use = self.confirming.take().await?;
        for window in events.chunks(WINDOW) {
            let returned = self.publish_window(&in_use.channel, window).await?;
            if !returned.is_empty() {
                self.publish_returned(&in_use.channel, window, &returned).await?;
            }
            *done += window.len();
        }
        in_use.give_back();
        Ok(())
    }

    /// Declares exchange and queues again, then publishes the events that are not done.
    async fn repair_and_publish(&self, events: &[Event], done: &mut usize) -> Result<(), RabbitError> {
        self.confirming.broker().declare_again().await?;
        let left = events.get(*done..).unwrap_or_default();
        self.publish_all(left, done).await
    }

    /// Declares all queues again, then publishes the events again that the broker returned because no queue took them.
    async fn publish_returned(
        &self,
        channel: &Channel,
        window: &[Event],
        returned: &HashSet<String>,
    ) -> Result<(), RabbitError> {
        let again: Vec<Event> =
            window.iter().filter(|event| returned.contains(&event.id.to_string())).cloned().collect();
        let types: BTreeSet<&str> = again.iter().map(|event| event.event_type().as_str()).collect();
        tracing::warn!(
            events = again.len(),
            ?types,
            "no queue is bound for events; queues and bindings are declared again"
        );
        self.confirming.broker().declare_again().await?;
        match self.publish_window(channel, &again).await?.is_empty() {
            true => Ok(()),
            false => Err(RabbitError::Unconfirmed(EXCHANGE.to_owned())),
        }
    }

    /// Publishes events and waits until the broker has confirmed all of them. Returns the ids of those that the broker returned.
    async fn publish_window(
        &self,
        channel: &Channel,
        events: &[Event],
    ) -> Result<HashSet<String>, RabbitError> {
        let _complete = self.confirming.broker().complete().await;
        let confirmed = timeout(CONFIRM_TIMEOUT, confirm_all(channel, events)).await;
        confirmed.map_err(|_| RabbitError::Unconfirmed(EXCHANGE.to_owned()))?
    }
}

async fn confirm_all(channel: &Channel, events: &[Event]) -> Result<HashSet<String>, RabbitError> {
    let mut confirms = Vec::with_capacity(events.len());
    for event in events {
        confirms.push(send(channel, event).await?);
    }
    let mut returned = HashSet::new();
    for confirm in confirms {
        match confirm.await? {
            Confirmation::Ack(None) => {}
            // The client attaches a returned message to the next confirm, whatever event that belongs to. Only the id identifies the event.
            Confirmation::Ack(Some(message)) => {
                let id = message.delivery.properties.message_id();
                returned.extend(id.as_ref().map(ToString::to_string));
            }
            Confirmation::Nack(_) | Confirmation::NotRequested => {
                return Err(RabbitError::Unconfirmed(EXCHANGE.to_owned()));
            }
        }
    }
    Ok(returned)
}

/// Publishes one event. If a consumer subscribes to its type, it is `mandatory`: the broker returns it unless a queue takes it. The broker
/// drops events of other types.
async fn send(channel: &Channel, event: &Event) -> Result<PublisherConfirm, RabbitError> {
    let event_type = event.event_type();
    let options =
        BasicPublishOptions { mandatory: is_subscribed(event_type), ..BasicPublishOptions::default() };
    let (key, body) = (event_type.as_str().into(), event.to_json());
    let properties = headers::of_event(event);
    Ok(channel.basic_publish(EXCHANGE.into(), key, options, body.as_bytes(), properties).await?)
}

fn is_subscribed(event_type: EventType) -> bool {
    SUBSCRIPTIONS.iter().any(|row| row.types.contains(&event_type))
}

#[async_trait]
impl Publisher for RabbitPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let mut done = 0;
        let mut failure = self.publish_all(events, &mut done).await.err();
        for _ in 0..REPAIRS_MAX {
            let Some(RabbitError::Broken(_) | RabbitError::Missing { .. }) = failure else { break };
            failure = self.repair_and_publish(events, &mut done).await.err();
        }
        let failure = failure.map(|error| PublishError(error.to_string()));
        let result = |position| match &failure {
            Some(error) if position >= done => Err(error.clone()),
            _ => Ok(()),
        };
        (0..events.len()).map(result).collect()
    }

    fn is_connected(&self) -> bool {
        self.confirming.broker().is_connected()
    }
}
