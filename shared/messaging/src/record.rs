//! A record of an `SqsEvent`.

use aws_lambda_events::sqs::SqsMessage;
use orderflow_domain::Timestamp;

use crate::SQS_EVENT_SOURCE;

/// What of a record matters here.
pub(crate) struct Record {
    pub id: String,
    pub body: String,
    pub receipt_handle: Option<String>,
    pub from_sqs: bool,
    pub attempt: u32,
    pub first_at: Timestamp,
}

impl From<SqsMessage> for Record {
    fn from(message: SqsMessage) -> Self {
        let number = |name: &str| message.attributes.get(name)?.parse::<i64>().ok();
        let first_at =
            number("ApproximateFirstReceiveTimestamp").map_or_else(Timestamp::now, Timestamp::from_millis);
        let attempt =
            number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        Self {
            from_sqs: message.event_source.as_deref() == Some(SQS_EVENT_SOURCE),
            id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            receipt_handle: message.receipt_handle,
            attempt,
            first_at,
        }
    }
}
