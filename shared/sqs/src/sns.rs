//! Publishes events to an SNS topic.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::operation::publish_batch::PublishBatchError;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use orderflow_domain::Event;
use orderflow_messaging::{PublishError, Publisher};

use crate::completeness::Completeness;

/// The most entries of one `PublishBatch` request (AWS quota).
const MAX_BATCH_ENTRIES: usize = 10;

/// The most bytes of all entries of one `PublishBatch` request together (AWS quota: 256 KiB).
const MAX_BATCH_BYTES: usize = 256 * 1024;

/// The message attribute that subscriptions filter by.
const TYPE_ATTRIBUTE: &str = "type";

/// An upper bound of the bytes that the attribute adds to a message.
const ATTRIBUTE_BYTES: usize = 128;

/// How often an entry is sent before its failure is reported.
const ATTEMPTS: usize = 3;

/// Publishes to one topic.
#[derive(Debug, Clone)]
pub struct SnsPublisher {
    client: aws_sdk_sns::Client,
    topic_arn: String,
    /// Known where this process also keeps the topology complete.
    completeness: Option<Arc<Completeness>>,
}

impl SnsPublisher {
    /// Creates a publisher for the topic with this ARN.
    pub fn new(client: aws_sdk_sns::Client, topic_arn: impl Into<String>) -> Self {
        Self { client, topic_arn: topic_arn.into(), completeness: None }
    }

    /// Makes the publisher accept no event while something is missing that events need: SNS would accept it, and consumers would miss it.
    pub(crate) fn waiting_for(self, completeness: Arc<Completeness>) -> Self {
        Self { completeness: Some(completeness), ..self }
    }

    /// Reads the topic's attributes, so that TLS and credentials are ready before the first event. A failure is only logged.
    pub async fn warm(&self) {
        if let Err(error) = self.client.get_topic_attributes().topic_arn(&self.topic_arn).send().await {
            let reason = orderflow_errors::reason(error.code(), error.message(), &error);
            tracing::warn!(error = reason, "topic does not answer yet");
        }
    }

    fn lose_topic(&self) {
        if let Some(completeness) = &self.completeness {
            completeness.lose();
        }
    }

    /// Sends one batch and stores each entry's result at its position. `PublishBatch` succeeds as a whole even if every entry failed, so each
    /// entry's result is read from the response.
    async fn publish_batch(&self, batch: &[Message], results: &mut [Result<(), PublishError>]) {
        let entries: Result<Vec<_>, _> = batch.iter().map(Message::entry).collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return fail_all(batch, results, &error.to_string()),
        };
        let request = self.client.publish_batch().topic_arn(&self.topic_arn);
        let answer = match request.set_publish_batch_request_entries(Some(entries)).send().await {
            Ok(answer) => answer,
            Err(error) => {
                if error.as_service_error().is_some_and(PublishBatchError::is_not_found_exception) {
                    self.lose_topic();
                }
                let reason = orderflow_errors::reason(error.code(), error.message(), &error);
                return fail_all(batch, results, &reason);
            }
        };
        fail_all(batch, results, "PublishBatch returned no result for the event");
        for accepted in answer.successful() {
            if let Some(result) = accepted.id().and_then(|id| result_of(id, results)) {
                *result = Ok(());
            }
        }
        for failed in answer.failed() {
            if let Some(result) = result_of(failed.id(), results) {
                let text = format!("{}: {}", failed.code(), failed.message().unwrap_or("no message"));
                *result = Err(PublishError(text));
            }
        }
    }
}

/// Returns the result slot of the entry that was sent with this id.
fn result_of<'a>(
    id: &str,
    results: &'a mut [Result<(), PublishError>],
) -> Option<&'a mut Result<(), PublishError>> {
    results.get_mut(id.parse::<usize>().ok()?)
}

fn fail_all(batch: &[Message], results: &mut [Result<(), PublishError>], reason: &str) {
    for message in batch {
        results[message.position] = Err(PublishError(reason.to_owned()));
    }
}

#[async_trait]
impl Publisher for SnsPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let mut results = vec![Ok(()); events.len()];
        let messages = events.iter().enumerate().map(|(position, event)| Message::new(position, event));
        let (mut left, too_large): (Vec<_>, Vec<_>) =
            messages.partition(|message| message.bytes() <= MAX_BATCH_BYTES);
        fail_all(&too_large, &mut results, "the event is larger than 256 KiB, the limit of SNS");
        for _ in 0..ATTEMPTS {
            if self.completeness.as_ref().is_some_and(|completeness| completeness.is_incomplete()) {
                fail_all(&left, &mut results, "topic, queues or subscriptions are missing");
                break;
            }
            for batch in batches(&left) {
                self.publish_batch(batch, &mut results).await;
            }
            left.retain(|message| results[message.position].is_err());
            if left.is_empty() {
                break;
            }
        }
        results
    }
}

struct Message {
    position: usize,
    event_type: &'static str,
    body: String,
}

impl Message {
    fn new(position: usize, event: &Event) -> Self {
        Self { position, event_type: event.event_type().as_str(), body: event.to_json() }
    }

    fn bytes(&self) -> usize {
        self.body.len() + ATTRIBUTE_BYTES
    }

    fn entry(&self) -> Result<PublishBatchRequestEntry, aws_sdk_sns::error::BuildError> {
        let attribute =
            MessageAttributeValue::builder().data_type("String").string_value(self.event_type).build()?;
        PublishBatchRequestEntry::builder()
            .id(self.position.to_string())
            .message(&self.body)
            .message_attributes(TYPE_ATTRIBUTE, attribute)
            .build()
    }
}

/// Splits messages into batches within both limits, in order.
fn batches(messages: &[Message]) -> Vec<&[Message]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (end, message) in messages.iter().enumerate() {
        if end - start == MAX_BATCH_ENTRIES || bytes + message.bytes() > MAX_BATCH_BYTES {
            batches.push(&messages[start..end]);
            (start, bytes) = (end, 0);
        }
        bytes += message.bytes();
    }
    if start < messages.len() {
        batches.push(&messages[start..]);
    }
    batches
}

#[cfg(test)]
#[path = "sns_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sns_stub_tests.rs"]
mod stub_tests;
