//! A message as a function gets it.

use aws_lambda_events::sqs::SqsMessage;
use orderflow_domain::{Event, Timestamp};

use crate::{DeadLetter, DeadLettered, SQS_EVENT_SOURCE};

/// Who sends a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// SQS itself.
    Sqs,
    /// Amazon MQ for RabbitMQ.
    AmazonMq,
    /// Whoever reads the answer and acts on it.
    Bridge,
}

/// What of a record matters here.
pub(crate) struct Record {
    pub id: String,
    pub body: String,
    pub receipt_handle: Option<String>,
    pub origin: Origin,
    pub attempt: u32,
    /// When it was first delivered, where somebody noted that.
    pub first_at: Option<Timestamp>,
}

impl Record {
    /// When it was first delivered: where nobody noted that, and it is not now, its event is the last that is known to have been before.
    pub(crate) fn first_at(&self, event: &Event, now: Timestamp) -> Timestamp {
        let unnoted = if self.attempt > 1 { event.time } else { now };
        self.first_at.unwrap_or(unnoted)
    }

    pub(crate) fn dead_letter(&self, dead: DeadLettered) -> DeadLetter {
        let DeadLettered { code, reason } = dead;
        DeadLetter { code, reason, attempts: self.attempt, body: self.body.clone() }
    }
}

impl From<SqsMessage> for Record {
    fn from(message: SqsMessage) -> Self {
        let number = |name: &str| message.attributes.get(name)?.parse::<i64>().ok();
        let first_at = number("ApproximateFirstReceiveTimestamp").map(Timestamp::from_millis);
        let attempt =
            number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let from_sqs = message.event_source.as_deref() == Some(SQS_EVENT_SOURCE);
        Self {
            origin: if from_sqs { Origin::Sqs } else { Origin::Bridge },
            id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            receipt_handle: message.receipt_handle,
            attempt,
            first_at,
        }
    }
}
