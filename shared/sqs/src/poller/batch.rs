//! The delivery of one batch of messages.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use orderflow_domain::Timestamp;
use orderflow_messaging::{
    Attempt, AttemptHistory, DeadLetter, DeadLetterQueue, Disposition, Invoked, Outcome, RecordBatch,
    RetryPolicy, Target, invoke_with_hold, is_isolated, report_unstored,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{ConsumerQueues, SqsError};

/// The `eventSource` of the poller's records. It is not `aws:sqs`, which a function's own host acts on.
const EVENT_SOURCE: &str = "orderflow:sqs";

/// The visibility timeout of received messages. It is renewed while they are in flight, so it is how long the messages of a dead process wait.
pub(super) const VISIBILITY: Duration = Duration::from_secs(30);

/// How often the visibility timeout of messages in flight is renewed. Two renewals can fail before a message becomes visible.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A consumer's function, its retry policy and its queues.
#[derive(Clone, Copy)]
pub(super) struct ConsumerContext<'a> {
    pub consumer: &'static str,
    pub target: &'a Arc<dyn Target>,
    pub policy: &'a RetryPolicy,
    pub queues: &'a ConsumerQueues,
}

/// Messages of one queue that were received together.
pub(super) struct Batch<'a> {
    context: ConsumerContext<'a>,
    messages: Vec<Received>,
    received_at: Instant,
    next_heartbeat: Instant,
}

struct Received {
    receipt_handle: String,
    body: String,
    /// The receives before this one.
    before: AttemptHistory,
    in_flight: bool,
}

impl Received {
    fn new(message: Message, now: Timestamp) -> Self {
        let number =
            |name: &MessageSystemAttributeName| message.attributes.as_ref()?.get(name)?.parse::<i64>().ok();
        let receives = number(&MessageSystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
        let first_at = number(&MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
        let before = AttemptHistory {
            attempts: u32::try_from(receives.saturating_sub(1)).unwrap_or_default(),
            first_at: first_at.map_or(now, Timestamp::from_millis),
        };
        Self {
            receipt_handle: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            before,
            in_flight: true,
        }
    }
}

impl<'a> Batch<'a> {
    pub(super) fn new(context: ConsumerContext<'a>, messages: Vec<Message>) -> Self {
        let now = Timestamp::now();
        let messages = messages.into_iter().map(|message| Received::new(message, now)).collect();
        let received_at = Instant::now();
        Self { context, messages, received_at, next_heartbeat: received_at + HEARTBEAT }
    }

    /// Delivers the batch and applies each decision. If stopped before the end, makes the remaining messages visible again.
    pub(super) async fn deliver(mut self, stop: &mut watch::Receiver<bool>) {
        let (isolated, others): (Vec<usize>, Vec<usize>) = (0..self.messages.len())
            .partition(|position| is_isolated(self.messages[*position].before.attempts));
        let groups = std::iter::once(others).chain(isolated.into_iter().map(|position| vec![position]));
        for group in groups.filter(|group| !group.is_empty()) {
            if !self.deliver_group(&group, stop).await {
                self.release().await;
                return;
            }
        }
    }

    /// Invokes the function with a group and applies the decisions. Returns false if stopped before that.
    async fn deliver_group(&mut self, group: &[usize], stop: &mut watch::Receiver<bool>) -> bool {
        let messages = group.iter().map(|position| &self.messages[*position]);
        let records = messages.map(|message| (message.body.as_str(), message.before));
        let batch = RecordBatch::new(EVENT_SOURCE, records);
        let ConsumerContext { consumer, target, .. } = self.context;
        let invoked = invoke_with_hold(consumer, target, batch, self.received_at, stop);
        match self.keeping_invisible(invoked).await {
            Invoked::Outcomes(outcomes) => self.apply(group, &outcomes).await,
            Invoked::FailedAsWhole => return self.deliver_one_by_one(group, stop).await,
            Invoked::Stopped => return false,
        }
        true
    }

    async fn deliver_one_by_one(&mut self, group: &[usize], stop: &mut watch::Receiver<bool>) -> bool {
        for position in group {
            if !Box::pin(self.deliver_group(&[*position], stop)).await {
                return false;
            }
        }
        true
    }

    /// Runs `work` and meanwhile renews the visibility timeout of messages in flight.
    async fn keeping_invisible<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                // A renewal completes before a decision is applied: it must not undo the visibility of a retry.
                () = tokio::time::sleep_until(self.next_heartbeat) => self.set_visibility(VISIBILITY).await,
            }
            self.next_heartbeat = Instant::now() + HEARTBEAT;
        }
    }

    /// Makes the messages in flight visible to other receivers.
    async fn release(&self) {
        self.set_visibility(Duration::ZERO).await;
    }

    async fn set_visibility(&self, timeout: Duration) {
        let in_flight = self.messages.iter().filter(|message| message.in_flight);
        let changes: Vec<_> = in_flight.map(|message| (message.receipt_handle.clone(), timeout)).collect();
        self.log(self.context.queues.queue.change_visibility(&changes).await);
    }

    /// Decides about each message of a group and applies the decisions.
    async fn apply(&mut self, group: &[usize], outcomes: &[Outcome]) {
        let ConsumerContext { consumer, policy, queues, .. } = self.context;
        let now = Timestamp::now();
        let (mut done, mut retries) = (Vec::new(), Vec::new());
        for (position, outcome) in group.iter().zip(outcomes) {
            let message = &mut self.messages[*position];
            message.in_flight = false;
            let history = message.before.with_next_attempt();
            let attempt = Attempt { consumer, body: &message.body, history };
            let disposition = Disposition::of(&attempt, outcome, policy, now);
            if let Disposition::DeadLetter { code, reason } = &disposition {
                let letter = DeadLetter::new(consumer, &message.body, (code, reason), history, now);
                if let Err(error) = queues.dead_letters.put(letter).await {
                    report_unstored(&attempt, &error);
                    continue;
                }
            }
            disposition.report(&attempt, outcome.reason());
            let receipt_handle = message.receipt_handle.clone();
            match disposition {
                Disposition::Ack | Disposition::DeadLetter { .. } => done.push(receipt_handle),
                Disposition::Retry { after, .. } => retries.push((receipt_handle, after)),
            }
        }
        let (deleted, changed) =
            tokio::join!(queues.queue.delete(&done), queues.queue.change_visibility(&retries));
        self.log(deleted);
        self.log(changed);
    }

    /// Logs a failed request. Its messages become visible after their visibility timeout and are delivered again, which consumers tolerate.
    fn log(&self, result: Result<(), SqsError>) {
        if let Err(error) = result {
            tracing::warn!(service = self.context.consumer, %error, "messages will be delivered too early or twice");
        }
    }
}
