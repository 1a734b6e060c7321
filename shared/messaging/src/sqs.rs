//! What the host does for messages that come from SQS itself: dead letters at once, visibility for retries.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::MessageAttributeValue;

use crate::{DeadLetter, DeadLetterError, DeadLetterQueue};

/// The longest that SQS hides a message (AWS limit: 12 hours).
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// The most of a reason that is kept: a message attribute counts toward the size of the message.
const MAX_REASON: usize = 1_024;

const QUEUE_URL: &str = "QUEUE_URL";
const DEAD_LETTER_QUEUE_URL: &str = "DEAD_LETTER_QUEUE_URL";

/// The queue that a function is triggered by and its dead-letter queue, from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsSettings {
    /// `QUEUE_URL`.
    pub queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`.
    pub dead_letter_queue_url: String,
}

/// Half of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{set} is set and {missing} is not: a queue needs both")]
pub struct SqsSettingsError {
    set: &'static str,
    missing: &'static str,
}

impl SqsSettings {
    /// The settings; none where the environment has neither, as under a bridge.
    ///
    /// # Errors
    /// [`SqsSettingsError`] names the one that is missing.
    pub fn from_environment() -> Result<Option<Self>, SqsSettingsError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Option<Self>, SqsSettingsError> {
        match (variable(QUEUE_URL), variable(DEAD_LETTER_QUEUE_URL)) {
            (Some(queue_url), Some(dead_letter_queue_url)) => {
                Ok(Some(Self { queue_url, dead_letter_queue_url }))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(SqsSettingsError { set: QUEUE_URL, missing: DEAD_LETTER_QUEUE_URL }),
            (None, Some(_)) => Err(SqsSettingsError { set: DEAD_LETTER_QUEUE_URL, missing: QUEUE_URL }),
        }
    }
}

/// A function's own queue, and its dead-letter queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    queue_url: String,
    dead_letters: SqsDeadLetterQueue,
}

impl SqsQueue {
    /// The queues that the settings name.
    pub fn new(client: aws_sdk_sqs::Client, settings: SqsSettings) -> Self {
        let dead_letters = SqsDeadLetterQueue::new(client.clone(), settings.dead_letter_queue_url);
        Self { client, queue_url: settings.queue_url, dead_letters }
    }

    /// Its dead-letter queue.
    pub fn dead_letters(&self) -> &SqsDeadLetterQueue {
        &self.dead_letters
    }

    /// Hides a message for this long. Where that fails the queue's own visibility timeout holds, so the failure is only logged.
    pub async fn change_visibility(&self, receipt_handle: &str, delay: Duration) {
        let seconds = delay.min(MAX_VISIBILITY).as_millis().div_ceil(1_000);
        let request = self.client.change_message_visibility().queue_url(&self.queue_url);
        let request = request
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX));
        if let Err(error) = request.send().await {
            tracing::warn!(error = %DisplayErrorContext(error), "the visibility of a message could not be changed");
        }
    }
}

/// A dead-letter queue on SQS.
#[derive(Debug, Clone)]
pub struct SqsDeadLetterQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl SqsDeadLetterQueue {
    /// The queue at this URL.
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }
}

/// Whether SQS takes it in an attribute: control characters and the two that are no characters are refused.
fn is_sendable(c: &char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[async_trait]
impl DeadLetterQueue for SqsDeadLetterQueue {
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        let reason: String = letter.reason.chars().filter(is_sendable).take(MAX_REASON).collect();
        let mut request = self.client.send_message().queue_url(&self.url).message_body(letter.body);
        for (name, value) in
            [("code", letter.code), ("reason", reason), ("attempts", letter.attempts.to_string())]
        {
            // SQS refuses a message with an empty attribute.
            if value.is_empty() {
                continue;
            }
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request =
                request.message_attributes(name, attribute.map_err(|e| DeadLetterError(e.to_string()))?);
        }
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| DeadLetterError(DisplayErrorContext(error).to_string()))
    }
}

#[cfg(test)]
#[path = "sqs_tests.rs"]
mod tests;
