//! What becomes of one batch of deliveries.

use std::borrow::Cow;

use aws_lambda_events::sqs::SqsEvent;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use orderflow_domain::Timestamp;
use orderflow_messaging::{ItemFailure, QueueResponse};
use tokio::sync::watch;
use tokio::time::Instant;

use super::consumer::Session;
use super::headers::Suspicion;
use super::moves::{Move, publish};
use super::{RabbitError, headers};
use crate::TargetError;
use crate::invocation::{Invoked, MAX_HOLD, invoke_held};
use crate::runtime_table::Tried;
use crate::verdict::{Outgoing, Verdict, sqs_event, verdicts};

/// The `eventSource` of this broker's records.
const EVENT_SOURCE: &str = "orderflow:amqp";

/// Deliveries of one channel that are settled together.
pub(super) struct Batch<'a> {
    session: &'a Session,
    channel: &'a Channel,
    deliveries: &'a [Delivery],
    started: Instant,
}

/// How a batch ended.
pub(super) enum Settled {
    /// Each message is done, or kept elsewhere, and acknowledged.
    All,
    /// Those are left that may be what ends their consumer: they have to come each for itself.
    AllButSuspects,
    /// It was told to stop before that: the broker keeps what is not acknowledged.
    Stopped,
}

impl<'a> Batch<'a> {
    pub(super) fn new(session: &'a Session, channel: &'a Channel, deliveries: &'a [Delivery]) -> Self {
        Self { session, channel, deliveries, started: Instant::now() }
    }

    /// Has the function deal with the batch, moves what is not done to where it waits or rests, and acknowledges what is settled.
    ///
    /// # Errors
    /// [`RabbitError`] where not everything is settled; the broker delivers the rest again.
    pub(super) async fn settle(&self, mut stop: watch::Receiver<bool>) -> Result<Settled, RabbitError> {
        if let [alone] = self.deliveries {
            return self.settle_group(&[alone], &mut stop).await;
        }
        let (mut innocent, mut suspects, mut killers) = (Vec::new(), Vec::new(), 0);
        for delivery in self.deliveries {
            match Suspicion::of(&delivery.properties) {
                Suspicion::None => innocent.push(delivery),
                Suspicion::Some => suspects.push(delivery),
                Suspicion::Strong => killers += 1,
            }
        }
        if !innocent.is_empty()
            && let stopped @ Settled::Stopped = self.settle_group(&innocent, &mut stop).await?
        {
            return Ok(stopped);
        }
        match self.settle_one_by_one(&suspects, &mut stop).await? {
            Settled::All if killers > 0 => Ok(Settled::AllButSuspects),
            settled => Ok(settled),
        }
    }

    /// Gives a group to the function, moves on what is not done, and acknowledges it.
    async fn settle_group(
        &self,
        group: &[&Delivery],
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Settled, RabbitError> {
        let now = Timestamp::now();
        let tried: Vec<Tried> =
            group.iter().map(|delivery| headers::tried(&delivery.properties, now)).collect();
        if let ([delivery], [tried]) = (group, &tried[..])
            && headers::is_exhausted(&delivery.properties, &self.session.consumer.policy, now)
        {
            return self.move_on(group, &[Verdict::exhausted(*tried)]).await;
        }
        let (event, target) = (event(group, &tried), &self.session.consumer.target);
        let response = match invoke_held(self.consumer(), target, &event, self.started, stop).await {
            Invoked::Answered(response) => response,
            Invoked::Failed(error) if group.len() > 1 => {
                tracing::error!(service = self.consumer(), %error, messages = group.len(), "the batch failed; its messages go one by one");
                return self.settle_one_by_one(group, stop).await;
            }
            Invoked::Failed(error) => {
                QueueResponse { failures: vec![ItemFailure::again("0", error.to_string())] }
            }
            Invoked::Unreachable(error) => return self.park(group, &tried, &error).await,
            Invoked::Stopped => return Ok(Settled::Stopped),
        };
        let policy = &self.session.consumer.policy;
        self.move_on(group, &verdicts(response, tried, policy, Timestamp::now())).await
    }

    async fn settle_one_by_one(
        &self,
        group: &[&Delivery],
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Settled, RabbitError> {
        for delivery in group {
            if let stopped @ Settled::Stopped = Box::pin(self.settle_group(&[delivery], stop)).await? {
                return Ok(stopped);
            }
        }
        Ok(Settled::All)
    }

    fn consumer(&self) -> &'static str {
        self.session.consumer.consumer
    }

    /// Has other queues keep what is not done, then acknowledges the group.
    async fn move_on(&self, group: &[&Delivery], verdicts: &[Verdict]) -> Result<Settled, RabbitError> {
        let moves = group.iter().zip(verdicts);
        let moves: Vec<Move<'_>> = moves
            .filter_map(|(delivery, verdict)| Move::for_verdict(self.consumer(), delivery, verdict))
            .collect();
        if !moves.is_empty() {
            let in_use = self.session.moves.take().await?;
            publish(&in_use.channel, moves).await?;
            in_use.give_back();
        }
        self.acknowledge(group).await?;
        Ok(Settled::All)
    }

    async fn acknowledge(&self, group: &[&Delivery]) -> Result<(), RabbitError> {
        // Batches of a channel are settled one after the other: everything up to the last tag of a whole one is.
        let whole = group.len() == self.deliveries.len();
        let acknowledged = match group {
            [.., last] if whole => std::slice::from_ref(last),
            each => each,
        };
        for delivery in acknowledged {
            self.channel.basic_ack(delivery.delivery_tag, BasicAckOptions { multiple: whole }).await?;
        }
        Ok(())
    }

    /// Lets a group wait without counting an attempt.
    async fn park(
        &self,
        group: &[&Delivery],
        tried: &[Tried],
        error: &TargetError,
    ) -> Result<Settled, RabbitError> {
        let wait =
            |tried: &Tried| Verdict::Again { tried: *tried, after: MAX_HOLD, reason: error.to_string() };
        self.move_on(group, &tried.iter().map(wait).collect::<Vec<_>>()).await
    }
}

fn event(group: &[&Delivery], tried: &[Tried]) -> SqsEvent {
    let bodies: Vec<Cow<'_, str>> =
        group.iter().map(|delivery| String::from_utf8_lossy(&delivery.data)).collect();
    let outgoing = bodies.iter().zip(tried).map(|(body, tried)| Outgoing { body, tried: *tried });
    sqs_event(EVENT_SOURCE, outgoing)
}
