//! Taking messages from one queue to another, so that they are always kept by one of them.

use std::time::Duration;

use lapin::Confirmation;
use lapin::message::Delivery;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel};
use tokio::time::timeout;

use super::names::{dead_letter_queue, delay_queue, tier};
use super::{RabbitError, headers};
use crate::verdict::Verdict;

/// How long the broker may take to confirm messages. A queue that lost its leader confirms none.
pub(super) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);

/// A message that goes to another queue before it is acknowledged.
pub(super) struct Move<'a> {
    pub queue: String,
    pub body: &'a [u8],
    pub properties: BasicProperties,
}

impl<'a> Move<'a> {
    /// The move that a verdict asks for; none where the message is done.
    pub(super) fn for_verdict(consumer: &str, delivery: &'a Delivery, verdict: &Verdict) -> Option<Self> {
        let (queue, properties) = match verdict {
            Verdict::Done => return None,
            Verdict::Again { tried, after, reason } => {
                (delay_queue(consumer, tier(*after)), headers::of_retry(&delivery.properties, *tried, reason))
            }
            Verdict::DeadLetter { tried, code, reason } => {
                tracing::error!(service = consumer, code, reason, "a message goes to the dead letters");
                (dead_letter_queue(consumer), headers::of_dead_letter(delivery, *tried, code, reason))
            }
        };
        Some(Self { queue, body: &delivery.data, properties })
    }
}

/// Publishes messages to the queues they go to, and waits until the broker has confirmed all of them.
///
/// # Errors
/// [`RabbitError`] where one was not confirmed: then none may be acknowledged.
pub(super) async fn publish(channel: &Channel, moves: Vec<Move<'_>>) -> Result<(), RabbitError> {
    let confirmed = timeout(CONFIRM_TIMEOUT, publish_all(channel, moves)).await;
    confirmed.map_err(|_| RabbitError::Unconfirmed("the message's next queue".to_owned()))?
}

async fn publish_all(channel: &Channel, moves: Vec<Move<'_>>) -> Result<(), RabbitError> {
    let mut confirms = Vec::with_capacity(moves.len());
    for Move { queue, body, properties } in moves {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm =
            channel.basic_publish("".into(), queue.as_str().into(), options, body, properties).await?;
        confirms.push((queue, confirm));
    }
    for (queue, confirm) in confirms {
        // A message that came back found no queue: it must stay where it is.
        if confirm.await? != Confirmation::Ack(None) {
            return Err(RabbitError::Unconfirmed(queue));
        }
    }
    Ok(())
}
