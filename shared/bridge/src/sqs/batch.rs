//! What becomes of one batch of messages.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use orderflow_domain::Timestamp;
use orderflow_messaging::{ItemFailure, QueueResponse};
use orderflow_sqs::{ConsumerQueues, GivenUp, SqsError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::consumer::{SqsConsumer, VISIBILITY};
use crate::TargetError;
use crate::invocation::{Invoked, MAX_HOLD, invoke_held};
use crate::runtime_table::Tried;
use crate::verdict::{Outgoing, Verdict, sqs_event, verdicts};

/// The `eventSource` of this broker's records. Another one than SQS has on Lambda: there functions put their own records away.
const EVENT_SOURCE: &str = "orderflow:sqs";

/// How often what is in hand is hidden again: it takes two failures before somebody else gets it.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Receipts after which a message goes alone: it may be what ends its process.
const ISOLATED_AFTER: u32 = 3;

/// Messages of one queue that are taken together.
pub(super) struct Batch<'a> {
    consumer: &'a SqsConsumer,
    queues: &'a ConsumerQueues,
    messages: Vec<Taken>,
    taken_at: Instant,
    next_beat: Instant,
}

/// A message in hand.
struct Taken {
    receipt: String,
    body: String,
    /// The receipts before this one.
    tried: Tried,
    settled: bool,
}

impl Taken {
    fn new(message: Message, now: Timestamp) -> Self {
        let number =
            |name: &MessageSystemAttributeName| message.attributes.as_ref()?.get(name)?.parse::<i64>().ok();
        let receipts = number(&MessageSystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
        let first_at = number(&MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
        let tried = Tried {
            attempts: u32::try_from(receipts.saturating_sub(1)).unwrap_or_default(),
            first_at: first_at.map_or(now, Timestamp::from_millis),
        };
        Self {
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            tried,
            settled: false,
        }
    }
}

impl<'a> Batch<'a> {
    pub(super) fn new(consumer: &'a SqsConsumer, queues: &'a ConsumerQueues, messages: Vec<Message>) -> Self {
        let now = Timestamp::now();
        let messages = messages.into_iter().map(|message| Taken::new(message, now)).collect();
        let taken_at = Instant::now();
        Self { consumer, queues, messages, taken_at, next_beat: taken_at + HEARTBEAT }
    }

    /// Has the function deal with the batch, and does with each message what it answers. Where it is told to stop before that, what is left
    /// goes back to the queue.
    pub(super) async fn settle(mut self, stop: &mut watch::Receiver<bool>) {
        let (suspects, others): (Vec<usize>, Vec<usize>) = (0..self.messages.len())
            .partition(|position| self.messages[*position].tried.attempts > ISOLATED_AFTER);
        let groups = std::iter::once(others).chain(suspects.into_iter().map(|suspect| vec![suspect]));
        for group in groups.filter(|group| !group.is_empty()) {
            if !self.settle_group(&group, stop).await {
                self.release().await;
                return;
            }
        }
    }

    /// Gives a group to the function, and does what it answers. False where it was told to stop before that.
    async fn settle_group(&mut self, group: &[usize], stop: &mut watch::Receiver<bool>) -> bool {
        let event = sqs_event(EVENT_SOURCE, group.iter().map(|position| self.outgoing(*position)));
        let consumer = self.consumer;
        let invoked = invoke_held(consumer.consumer, &consumer.target, &event, self.taken_at, stop);
        let response = match self.keeping_invisible(invoked).await {
            Invoked::Answered(response) => response,
            Invoked::Failed(error) if group.len() > 1 => {
                tracing::error!(service = consumer.consumer, %error, messages = group.len(), "the batch failed; its messages go one by one");
                return self.settle_one_by_one(group, stop).await;
            }
            Invoked::Failed(error) => {
                QueueResponse { failures: vec![ItemFailure::again("0", error.to_string())] }
            }
            Invoked::Unreachable(error) => {
                let park = |position: &usize| self.parked(*position, &error);
                let parked: Vec<_> = group.iter().map(park).collect();
                self.carry_out(group, &parked).await;
                return true;
            }
            Invoked::Stopped => return false,
        };
        let tried = group.iter().map(|position| self.messages[*position].tried);
        let verdicts = verdicts(response, tried, &consumer.policy, Timestamp::now());
        self.carry_out(group, &verdicts).await;
        true
    }

    async fn settle_one_by_one(&mut self, group: &[usize], stop: &mut watch::Receiver<bool>) -> bool {
        for position in group {
            if !Box::pin(self.settle_group(&[*position], stop)).await {
                return false;
            }
        }
        true
    }

    fn outgoing(&self, position: usize) -> Outgoing<'_> {
        let message = &self.messages[position];
        Outgoing { body: &message.body, tried: message.tried }
    }

    fn parked(&self, position: usize, error: &TargetError) -> Verdict {
        let tried = self.messages[position].tried;
        Verdict::Again { tried, after: MAX_HOLD, reason: error.to_string() }
    }

    /// Waits for something, and meanwhile keeps hidden what is not settled.
    async fn keeping_invisible<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                // Nothing is settled before this is answered: it must not undo what becomes of a message.
                () = tokio::time::sleep_until(self.next_beat) => self.set_visibility(VISIBILITY).await,
            }
            self.next_beat = Instant::now() + HEARTBEAT;
        }
    }

    /// Gives back what is not settled.
    async fn release(&self) {
        self.set_visibility(Duration::ZERO).await;
    }

    async fn set_visibility(&self, delay: Duration) {
        let unsettled = self.messages.iter().filter(|message| !message.settled);
        let receipts: Vec<_> = unsettled.map(|message| (message.receipt.clone(), delay)).collect();
        self.log(self.queues.queue.change_visibility(&receipts).await);
    }

    /// Does with each message of a group what is to become of it.
    async fn carry_out(&mut self, group: &[usize], verdicts: &[Verdict]) {
        let (mut finished, mut again) = (Vec::new(), Vec::new());
        for (position, verdict) in group.iter().zip(verdicts) {
            let message = &mut self.messages[*position];
            message.settled = true;
            match verdict {
                Verdict::Done => finished.push(message.receipt.clone()),
                Verdict::Again { after, .. } => again.push((message.receipt.clone(), *after)),
                Verdict::DeadLetter { tried, code, reason } => {
                    let Tried { attempts, first_at } = *tried;
                    let given_up = GivenUp { code, reason, attempts, first_at, last_at: Timestamp::now() };
                    match self.queues.dead_letters.send(&message.body, given_up.attributes()).await {
                        Ok(()) => finished.push(message.receipt.clone()),
                        // It comes again, and dies again.
                        Err(error) => {
                            tracing::error!(service = self.consumer.consumer, %error, "a dead letter stays in its queue for now");
                        }
                    }
                }
            }
        }
        let (deleted, changed) =
            tokio::join!(self.queues.queue.delete(&finished), self.queues.queue.change_visibility(&again));
        self.log(deleted);
        self.log(changed);
    }

    /// What is not deleted or hidden comes again when it is visible again, which consumers bear.
    fn log(&self, result: Result<(), SqsError>) {
        if let Err(error) = result {
            tracing::warn!(service = self.consumer.consumer, %error, "messages come again too early, or once too often");
        }
    }
}
