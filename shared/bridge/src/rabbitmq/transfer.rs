//! Transfers messages from one queue to another, over channels with publisher confirms: a message is acknowledged only after the broker confirmed
//! its successor.

use std::sync::Arc;
use std::time::Duration;

use lapin::message::Delivery;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};
use orderflow_domain::Timestamp;
use orderflow_messaging::{AttemptHistory, DeadLetter, Disposition};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use super::names::{dead_letter_queue, delay_queue, tier};
use super::{RabbitError, RabbitMq, headers};

/// The time limit for the broker's confirms. A queue that lost its leader confirms nothing.
pub(super) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);

/// A channel for one publisher at a time. After an error it is replaced by a new one.
pub(super) struct ConfirmingChannel {
    broker: Arc<RabbitMq>,
    channel: Mutex<Option<Channel>>,
}

/// The channel in use. Unless it is given back it is dropped: after an error it is unknown which confirms are still pending on it.
pub(super) struct InUse<'a> {
    slot: MutexGuard<'a, Option<Channel>>,
    pub channel: Channel,
}

impl ConfirmingChannel {
    pub(super) fn new(broker: Arc<RabbitMq>) -> Self {
        Self { broker, channel: Mutex::new(None) }
    }

    pub(super) fn broker(&self) -> &RabbitMq {
        &self.broker
    }

    pub(super) async fn take(&self) -> Result<InUse<'_>, RabbitError> {
        let mut slot = self.channel.lock().await;
        let channel = match slot.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => self.broker.channel().await?,
        };
        Ok(InUse { slot, channel })
    }
}

impl InUse<'_> {
    pub(super) fn give_back(mut self) {
        *self.slot = Some(self.channel);
    }
}

/// A message that another queue has to store before it is acknowledged.
pub(super) struct Transfer<'a> {
    pub queue: String,
    pub body: &'a [u8],
    pub properties: BasicProperties,
}

impl<'a> Transfer<'a> {
    /// Returns the transfer that a decision requires; `None` for a message that is done. `history` includes the present delivery, `reason` is that of
    /// its outcome.
    pub(super) fn for_disposition(
        consumer: &str,
        delivery: &'a Delivery,
        disposition: &Disposition,
        history: AttemptHistory,
        reason: &str,
    ) -> Option<Self> {
        let (queue, properties) = match disposition {
            Disposition::Ack => return None,
            Disposition::Retry { after, .. } => {
                let history = disposition.history(history);
                (
                    delay_queue(consumer, tier(*after)),
                    headers::of_retry(&delivery.properties, history, reason),
                )
            }
            Disposition::DeadLetter { code, reason } => {
                let body = String::from_utf8_lossy(&delivery.data);
                let letter = DeadLetter::new(consumer, &body, (code, reason), history, Timestamp::now());
                (dead_letter_queue(consumer), headers::of_dead_letter(delivery, &letter))
            }
        };
        Some(Self { queue, body: &delivery.data, properties })
    }
}

/// Publishes messages to their next queues and waits until the broker has confirmed all of them.
///
/// # Errors
/// [`RabbitError`] if one is not confirmed. Then none may be acknowledged.
pub(super) async fn publish(channel: &Channel, transfers: Vec<Transfer<'_>>) -> Result<(), RabbitError> {
    let confirmed = timeout(CONFIRM_TIMEOUT, publish_all(channel, transfers)).await;
    confirmed.map_err(|_| RabbitError::Unconfirmed("the message's next queue".to_owned()))?
}

async fn publish_all(channel: &Channel, transfers: Vec<Transfer<'_>>) -> Result<(), RabbitError> {
    let mut confirms = Vec::with_capacity(transfers.len());
    for Transfer { queue, body, properties } in transfers {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm =
            channel.basic_publish("".into(), queue.as_str().into(), options, body, properties).await?;
        confirms.push((queue, confirm));
    }
    for (queue, confirm) in confirms {
        // A returned message found no queue: it must stay in its present one.
        if confirm.await? != Confirmation::Ack(None) {
            return Err(RabbitError::Unconfirmed(queue));
        }
    }
    Ok(())
}
