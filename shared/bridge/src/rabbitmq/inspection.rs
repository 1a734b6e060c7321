//! Looks at the broker for the health check: whether messages can be published, and whether each queue has a consumer.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation};
use orderflow_messaging::SUBSCRIPTIONS;
use tokio::time::timeout;

use super::closing::close;
use super::names::{EXCHANGE, queue};
use super::refusal::Permission;
use super::{RabbitError, RabbitMq, topology};

/// The time that the broker may take to confirm a probe message.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The routing key of probe messages. No queue is bound to it, so the broker confirms and drops them.
const PROBE: &str = "orderflow.health";

/// Where the process publishes, and so where a probe message is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeRoute {
    /// The exchange of the events.
    Events,
    /// The default exchange, over which retries and dead letters go.
    Retries,
}

impl ProbeRoute {
    /// Returns the name of the exchange in messages. The broker calls the default exchange `amq.default` when it refuses to publish to it.
    fn exchange(self) -> &'static str {
        match self {
            Self::Events => EXCHANGE,
            Self::Retries => "",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Events => EXCHANGE,
            Self::Retries => "amq.default",
        }
    }
}

/// A queue as the broker describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueInspection {
    /// The number of consumers, of all processes.
    pub consumers: u32,
    /// The number of messages that wait for delivery.
    pub messages: u32,
}

impl RabbitMq {
    /// Publishes a probe message to each route and waits for its confirm, then looks at the queue of each consumer.
    ///
    /// # Errors
    /// [`RabbitError::Missing`] if the exchange or a queue does not exist, and others if the broker does not answer or refuses the
    /// probe message.
    pub async fn inspect(
        &self,
        routes: &[ProbeRoute],
    ) -> Result<BTreeMap<&'static str, QueueInspection>, RabbitError> {
        let channel = self.channel().await?;
        let inspected = inspect(&channel, routes).await;
        close(&channel).await;
        inspected
    }

    /// Publishes a probe message to each route, and logs it if the account may not.
    pub(super) async fn check_rights(&self, routes: &[ProbeRoute]) {
        for route in routes {
            let probed = async {
                let channel = self.channel().await?;
                let probed = probe(&channel, route.exchange()).await;
                close(&channel).await;
                probed
            };
            match timeout(PROBE_TIMEOUT, probed).await {
                Ok(Ok(())) => self.rights().has(Permission::Write, route.name()),
                Ok(Err(RabbitError::Refused(refusal))) => self.rights().lacks(&refusal),
                // A broker that does not answer is noticed by those who publish.
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}

async fn inspect(
    channel: &Channel,
    routes: &[ProbeRoute],
) -> Result<BTreeMap<&'static str, QueueInspection>, RabbitError> {
    if !topology::exists(channel, EXCHANGE).await? {
        return Err(RabbitError::Missing { name: EXCHANGE.to_owned() });
    }
    for route in routes {
        probe(channel, route.exchange()).await?;
    }
    let asked = join_all(SUBSCRIPTIONS.iter().map(|row| inspect_queue(channel, row.consumer))).await;
    // The first error closes the channel and causes the others.
    let missing = asked.iter().find(|answer| matches!(answer, Err(RabbitError::Missing { .. })));
    if let Some(Err(error)) = missing {
        return Err(error.clone());
    }
    asked.into_iter().collect()
}

async fn probe(channel: &Channel, exchange: &str) -> Result<(), RabbitError> {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = channel.basic_publish(exchange.into(), PROBE.into(), options, &[], properties).await?;
    match sent.await? {
        Confirmation::Ack(_) => Ok(()),
        Confirmation::Nack(_) | Confirmation::NotRequested => {
            Err(RabbitError::Unconfirmed("a health check".to_owned()))
        }
    }
}

async fn inspect_queue(
    channel: &Channel,
    consumer: &'static str,
) -> Result<(&'static str, QueueInspection), RabbitError> {
    let name = queue(consumer);
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    match channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await {
        Ok(queue) => {
            let (consumers, messages) = (queue.consumer_count(), queue.message_count());
            Ok((consumer, QueueInspection { consumers, messages }))
        }
        Err(error) if topology::is_not_found(&error) => Err(RabbitError::Missing { name }),
        Err(error) => Err(error.into()),
    }
}
