//! The delivery of one batch of messages.

use std::borrow::Cow;
use std::sync::Arc;

use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use orderflow_domain::Timestamp;
use orderflow_messaging::{
    Attempt, AttemptHistory, DeadLetterCode, Disposition, Invoked, Outcome, RecordBatch, RetryPolicy, Target,
    invoke_with_hold,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::RabbitError;
use super::isolation::{self, Isolation};
use super::transfer::{ConfirmingChannel, Transfer, publish};

/// The `eventSource` of this broker's records.
const EVENT_SOURCE: &str = "orderflow:amqp";

/// A consumer's function, its retry policy, and the channel on which its messages are transferred.
#[derive(Clone, Copy)]
pub(super) struct ConsumerContext<'a> {
    pub consumer: &'static str,
    pub target: &'a Arc<dyn Target>,
    pub policy: &'a RetryPolicy,
    pub transfers: &'a ConfirmingChannel,
}

/// Deliveries of one channel that are acknowledged together.
pub(super) struct Batch<'a> {
    context: ConsumerContext<'a>,
    channel: &'a Channel,
    deliveries: &'a [Delivery],
    received_at: Instant,
}

/// The end of a batch.
pub(super) enum End {
    /// Every message is acknowledged.
    Complete,
    /// Messages are left that have to be received alone.
    LeftIsolated,
    /// The consumer is stopping. The broker redelivers unacknowledged messages.
    Stopped,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        context: ConsumerContext<'a>,
        channel: &'a Channel,
        deliveries: &'a [Delivery],
    ) -> Self {
        Self { context, channel, deliveries, received_at: Instant::now() }
    }

    /// Delivers the batch, applies each decision and acknowledges the messages.
    ///
    /// # Errors
    /// [`RabbitError`] if some messages are not acknowledged; the broker redelivers them.
    pub(super) async fn deliver(&self, mut stop: watch::Receiver<bool>) -> Result<End, RabbitError> {
        if let [single] = self.deliveries {
            return self.deliver_group(&[single], &mut stop).await;
        }
        let (mut together, mut alone, mut received_alone) = (Vec::new(), Vec::new(), 0);
        for delivery in self.deliveries {
            match Isolation::of(&delivery.properties) {
                Isolation::None => together.push(delivery),
                Isolation::Alone => alone.push(delivery),
                Isolation::ReceivedAlone => received_alone += 1,
            }
        }
        if !together.is_empty()
            && let stopped @ End::Stopped = self.deliver_group(&together, &mut stop).await?
        {
            return Ok(stopped);
        }
        match self.deliver_one_by_one(&alone, &mut stop).await? {
            End::Complete if received_alone > 0 => Ok(End::LeftIsolated),
            end => Ok(end),
        }
    }

    /// Invokes the function with a group, applies the decisions and acknowledges the group.
    async fn deliver_group(
        &self,
        group: &[&Delivery],
        stop: &mut watch::Receiver<bool>,
    ) -> Result<End, RabbitError> {
        let now = Timestamp::now();
        let before: Vec<AttemptHistory> =
            group.iter().map(|delivery| isolation::history(&delivery.properties, now)).collect();
        let ConsumerContext { consumer, target, policy, .. } = self.context;
        if let [delivery] = group
            && isolation::is_exhausted(&delivery.properties, policy, now)
        {
            let given_up = Outcome::DeadLetter {
                code: DeadLetterCode::ATTEMPTS_EXHAUSTED,
                reason: "every attempt ended with the process".to_owned(),
            };
            return self.apply(group, &before, &[given_up]).await;
        }
        let bodies: Vec<Cow<'_, str>> =
            group.iter().map(|delivery| String::from_utf8_lossy(&delivery.data)).collect();
        let records = bodies.iter().map(AsRef::as_ref).zip(before.iter().copied());
        let batch = RecordBatch::new(EVENT_SOURCE, records);
        match invoke_with_hold(consumer, target, batch, self.received_at, stop).await {
            Invoked::Outcomes(outcomes) => {
                let attempted: Vec<_> = before.into_iter().map(AttemptHistory::with_next_attempt).collect();
                self.apply(group, &attempted, &outcomes).await
            }
            Invoked::FailedAsWhole => self.deliver_one_by_one(group, stop).await,
            Invoked::Stopped => Ok(End::Stopped),
        }
    }

    async fn deliver_one_by_one(
        &self,
        group: &[&Delivery],
        stop: &mut watch::Receiver<bool>,
    ) -> Result<End, RabbitError> {
        for delivery in group {
            if let stopped @ End::Stopped = Box::pin(self.deliver_group(&[delivery], stop)).await? {
                return Ok(stopped);
            }
        }
        Ok(End::Complete)
    }

    /// Decides about each message, transfers retries and dead letters to their queues, then reports the decisions and acknowledges the group. If the
    /// broker does not confirm the transfers, nothing is reported: it redelivers the messages.
    async fn apply(
        &self,
        group: &[&Delivery],
        attempted: &[AttemptHistory],
        outcomes: &[Outcome],
    ) -> Result<End, RabbitError> {
        let (now, ConsumerContext { consumer, policy, transfers, .. }) = (Timestamp::now(), self.context);
        let bodies: Vec<Cow<'_, str>> =
            group.iter().map(|delivery| String::from_utf8_lossy(&delivery.data)).collect();
        let attempts = bodies.iter().zip(attempted);
        let attempts = attempts.map(|(body, history)| Attempt { consumer, body, history: *history });
        let decided: Vec<(Attempt<'_>, Disposition, &str)> = attempts
            .zip(outcomes)
            .map(|(attempt, outcome)| {
                (attempt, Disposition::of(&attempt, outcome, policy, now), outcome.reason())
            })
            .collect();
        let pending = group.iter().zip(&decided);
        let pending: Vec<Transfer<'_>> = pending
            .filter_map(|(delivery, (attempt, disposition, reason))| {
                Transfer::for_disposition(consumer, delivery, disposition, attempt.history, reason)
            })
            .collect();
        if !pending.is_empty() {
            let in_use = transfers.take().await?;
            publish(&in_use.channel, pending).await?;
            in_use.give_back();
        }
        decided.iter().for_each(|(attempt, disposition, reason)| disposition.report(attempt, reason));
        self.acknowledge(group).await?;
        Ok(End::Complete)
    }

    async fn acknowledge(&self, group: &[&Delivery]) -> Result<(), RabbitError> {
        // Batches of a channel are delivered one after the other, so a complete batch is acknowledged up to its last tag at once.
        let multiple = group.len() == self.deliveries.len();
        let acknowledged = match group {
            [.., last] if multiple => std::slice::from_ref(last),
            each => each,
        };
        for delivery in acknowledged {
            self.channel.basic_ack(delivery.delivery_tag, BasicAckOptions { multiple }).await?;
        }
        Ok(())
    }
}
