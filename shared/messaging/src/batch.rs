//! The JSON contract between a host and a consumer's function.
//!
//! The request has the shape of Lambda's event for SQS and the response that of its partial batch response (`ReportBatchItemFailures`,
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>), because that is what Lambda sends and understands. Every other host uses the same
//! shape, so that one function serves all of them; it also reads the fields of a response that Lambda ignores.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::{Event, EventError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AttemptHistory, Outcome};

const RECEIVE_COUNT: &str = "ApproximateReceiveCount";
const FIRST_RECEIVED_AT: &str = "ApproximateFirstReceiveTimestamp";

/// The delay of a deferred delivery whose function names none.
const DEFAULT_DEFERRAL: Duration = Duration::from_secs(1);

/// A request: a batch of records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordBatch {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// A message on its way to a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RecordJson", into = "RecordJson")]
pub struct Record {
    /// Identifies the record within its batch.
    pub id: String,
    /// The message.
    pub body: Arc<str>,
    /// The event in the message, if the host has it: it is in the same process as what published it. JSON does not have it.
    pub event: Option<Arc<Event>>,
    /// The host that sends the record, such as `aws:sqs`.
    pub source: String,
    /// The handle with which the source's queue changes this delivery, if it has one.
    pub receipt_handle: Option<String>,
    /// The attempt number, starting at 1.
    pub attempt: u32,
    /// When the message was first delivered, if the source knows.
    pub first_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_handle: Option<String>,
    body: Option<String>,
    attributes: Option<HashMap<String, String>>,
    event_source: Option<String>,
}

impl From<RecordJson> for Record {
    fn from(json: RecordJson) -> Self {
        let attributes = json.attributes.unwrap_or_default();
        let number = |name: &str| attributes.get(name)?.parse::<i64>().ok();
        Self {
            attempt: number(RECEIVE_COUNT).and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
            first_at: number(FIRST_RECEIVED_AT).map(Timestamp::from_millis),
            id: json.message_id.unwrap_or_default(),
            body: json.body.unwrap_or_default().into(),
            event: None,
            source: json.event_source.unwrap_or_default(),
            receipt_handle: json.receipt_handle,
        }
    }
}

impl From<Record> for RecordJson {
    fn from(record: Record) -> Self {
        let mut attributes = HashMap::from([(RECEIVE_COUNT.to_owned(), record.attempt.to_string())]);
        if let Some(first_at) = record.first_at {
            attributes.insert(FIRST_RECEIVED_AT.to_owned(), first_at.as_millis().to_string());
        }
        Self {
            message_id: Some(record.id),
            receipt_handle: record.receipt_handle,
            body: Some(record.body.to_string()),
            attributes: Some(attributes),
            event_source: Some(record.source),
        }
    }
}

impl RecordBatch {
    /// Returns a batch from `source` of messages with the attempts made before this one. Records are identified by their position.
    pub fn new<'a>(source: &str, messages: impl IntoIterator<Item = (&'a str, AttemptHistory)>) -> Self {
        Self::of_events(source, messages.into_iter().map(|(body, before)| (body.into(), None, before)))
    }

    /// Returns a batch of messages whose events the host has, see [`RecordBatch::new`].
    pub fn of_events(
        source: &str,
        messages: impl IntoIterator<Item = (Arc<str>, Option<Arc<Event>>, AttemptHistory)>,
    ) -> Self {
        let record = |(position, (body, event, before)): (usize, (_, _, AttemptHistory))| Record {
            id: position.to_string(),
            body,
            event,
            source: source.to_owned(),
            receipt_handle: None,
            attempt: before.with_next_attempt().attempts,
            first_at: Some(before.first_at),
        };
        Self { records: messages.into_iter().enumerate().map(record).collect() }
    }
}

impl Record {
    /// Returns the event in the message.
    ///
    /// # Errors
    /// [`EventError`] if the message is not an event.
    pub fn event(&self) -> Result<Arc<Event>, EventError> {
        self.event.clone().map_or_else(|| Event::from_json(&self.body).map(Arc::new), Ok)
    }

    /// Returns the attempts with the present one. If the source does not know the first time of a redelivered message, the time of its event
    /// is used, the latest time that is known to be earlier.
    pub fn history(&self, now: Timestamp) -> AttemptHistory {
        let published_at = || match self.attempt {
            ..=1 => None,
            _ => self.event().ok().map(|event| event.time),
        };
        let first_at = self.first_at.or_else(published_at).unwrap_or(now);
        AttemptHistory { attempts: self.attempt, first_at }
    }
}

/// A response: the records whose messages are not done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueResponse {
    /// One entry for each record that is not done.
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<ItemFailure>,
}

/// A record whose message is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// The record's id.
    pub item_identifier: String,
    /// The reason, as text for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The delay before the next delivery in milliseconds; `None` leaves it to the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The longest delay in milliseconds that the host may choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_within_ms: Option<u64>,
    /// Whether the consumer did not try, so that no attempt counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
    /// Set if the message must be dead-lettered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<DeadLettered>,
}

/// Why a message must be dead-lettered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLettered {
    /// A stable code.
    pub code: String,
    /// The reason, as text for a person.
    pub reason: String,
}

/// A response names a record that was not in the batch, so that it is unknown what was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it answered for an unknown record: {0:?}")]
pub struct UnknownRecord(pub String);

impl ItemFailure {
    /// Returns a failure that leaves the time of the retry to the host.
    pub fn retry(item_identifier: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            item_identifier: item_identifier.into(),
            reason: Some(reason.into()),
            retry_after_ms: None,
            retry_within_ms: None,
            deferred: false,
            dead_letter: None,
        }
    }

    /// Returns how a function reports an outcome; `None` for a message that is done.
    pub fn of(item_identifier: &str, outcome: &Outcome) -> Option<Self> {
        let failure = Self::retry(item_identifier, outcome.reason());
        match outcome {
            Outcome::Done => None,
            Outcome::Retry { after, at_most, .. } => Some(Self {
                retry_after_ms: after.map(millis),
                retry_within_ms: at_most.map(millis),
                ..failure
            }),
            Outcome::Defer { after, .. } => {
                Some(Self { retry_after_ms: Some(millis(*after)), deferred: true, ..failure })
            }
            Outcome::DeadLetter { code, reason } => {
                let dead_letter = DeadLettered { code: code.as_str().to_owned(), reason: reason.clone() };
                Some(Self { dead_letter: Some(dead_letter), ..failure })
            }
        }
    }
}

impl From<ItemFailure> for Outcome {
    fn from(failure: ItemFailure) -> Self {
        let after = failure.retry_after_ms.map(Duration::from_millis);
        let reason = failure.reason.unwrap_or_default();
        match failure.dead_letter {
            Some(DeadLettered { code, reason }) => Self::DeadLetter { code: code.into(), reason },
            None if failure.deferred => Self::Defer { reason, after: after.unwrap_or(DEFAULT_DEFERRAL) },
            None => {
                let at_most = failure.retry_within_ms.map(Duration::from_millis);
                Self::Retry { reason, after, at_most }
            }
        }
    }
}

impl QueueResponse {
    /// Returns the response to a batch.
    pub fn new(records: &[Record], outcomes: &[Outcome]) -> Self {
        let failures = records.iter().zip(outcomes);
        let failures = failures.filter_map(|(record, outcome)| ItemFailure::of(&record.id, outcome));
        Self { failures: failures.collect() }
    }

    /// Returns one outcome for each record, in their order.
    ///
    /// # Errors
    /// [`UnknownRecord`] if the response names a record that was not in the batch. Lambda treats such a response as a failure as well.
    pub fn into_outcomes(self, records: &[Record]) -> Result<Vec<Outcome>, UnknownRecord> {
        let mut outcomes = vec![Outcome::Done; records.len()];
        let positions: HashMap<&str, usize> =
            records.iter().enumerate().map(|(position, record)| (record.id.as_str(), position)).collect();
        for failure in self.failures {
            match positions.get(failure.item_identifier.as_str()) {
                Some(position) => outcomes[*position] = failure.into(),
                None => return Err(UnknownRecord(failure.item_identifier)),
            }
        }
        Ok(outcomes)
    }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
    use serde_json::json;

    use super::*;
    use crate::DeadLetterCode;

    #[test]
    fn lambda_reads_a_partial_batch_response() {
        let failure =
            ItemFailure { reason: None, retry_after_ms: Some(250), ..ItemFailure::retry("m1", "later") };
        let json = serde_json::to_string(&QueueResponse { failures: vec![failure] }).unwrap();
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"m1","retryAfterMs":250}]}"#);
        let aws: SqsBatchResponse = serde_json::from_str(&json).unwrap();
        assert_eq!(aws.batch_item_failures[0].item_identifier, "m1");
    }

    #[test]
    fn a_batch_has_the_shape_of_lambdas_event() {
        let history = AttemptHistory { attempts: 2, first_at: Timestamp::from_millis(7) };
        let batch = RecordBatch::new("orderflow:test", [("{}", history)]);
        let json = serde_json::to_string(&batch).unwrap();
        let aws: SqsEvent = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (aws.records[0].body.as_deref(), aws.records[0].message_id.as_deref()),
            (Some("{}"), Some("0"))
        );
        let of_aws: RecordBatch = serde_json::from_str(&serde_json::to_string(&aws).unwrap()).unwrap();
        assert_eq!(of_aws, batch);
        assert_eq!((batch.records[0].attempt, batch.records[0].first_at), (3, Some(history.first_at)));
    }

    #[test]
    fn a_record_without_attributes_is_a_first_attempt() {
        for record in [json!({}), json!({"messageId": null, "body": null, "attributes": null})] {
            let record: Record = serde_json::from_value(record).unwrap();
            assert_eq!((record.attempt, record.first_at, &*record.body), (1, None, ""));
        }
    }

    #[test]
    fn outcomes_survive_the_way_through_json() {
        let reason = || "why".to_owned();
        let outcomes = vec![
            Outcome::Done,
            Outcome::retry("why"),
            Outcome::retry_after("why", Duration::from_millis(5)),
            Outcome::retry_within("why", Duration::from_millis(7)),
            Outcome::Defer { reason: reason(), after: Duration::from_millis(6) },
            Outcome::DeadLetter { code: DeadLetterCode::UNDECODABLE, reason: reason() },
        ];
        let history = AttemptHistory { attempts: 0, first_at: Timestamp::from_millis(0) };
        let batch = RecordBatch::new("orderflow:test", vec![("", history); outcomes.len()]);
        let json = serde_json::to_string(&QueueResponse::new(&batch.records, &outcomes)).unwrap();
        let read: QueueResponse = serde_json::from_str(&json).unwrap();
        assert_eq!(read.into_outcomes(&batch.records), Ok(outcomes));
        let unknown = QueueResponse { failures: vec![ItemFailure::retry("6", "")] };
        assert_eq!(unknown.into_outcomes(&batch.records), Err(UnknownRecord("6".to_owned())));
    }
}
