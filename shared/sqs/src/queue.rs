//! One queue, and what is asked of it.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName, QueueAttributeName,
};
use futures::future::join_all;

use crate::{Attributes, SqsError};

/// The most messages of one request, whatever it asks for (AWS limit).
pub const MAX_ENTRIES: usize = 10;

/// The longest that SQS hides a message (AWS limit: 12 hours).
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// How often a request is made for messages that the answer to the first one says it failed for.
const ATTEMPTS: usize = 3;

/// A queue by its URL.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

/// Messages of a queue by what can be done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Those that can be received.
    pub visible: u64,
    /// Those that were received, or put off.
    pub not_visible: u64,
    /// Those that were sent with a delay.
    pub delayed: u64,
}

impl Queue {
    /// The queue at this URL.
    pub fn new(client: &Client, url: &str) -> Self {
        Self { client: client.clone(), url: url.to_owned() }
    }

    /// Takes up to ten messages and hides them from others for a while; waits at most `wait` for the first of them.
    ///
    /// # Errors
    /// [`SqsError`] where SQS does not answer.
    pub async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<Message>, SqsError> {
        let request = self.client.receive_message().queue_url(&self.url);
        let request = request.max_number_of_messages(i32::try_from(MAX_ENTRIES).unwrap_or(i32::MAX));
        let request = request.wait_time_seconds(seconds(wait)).visibility_timeout(seconds(visibility));
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = request.message_attribute_names("All").send().await;
        let answer = answer.map_err(|error| SqsError::request("ReceiveMessage", error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Has the queue keep a message. When this returns `Ok` it is durable.
    ///
    /// # Errors
    /// [`SqsError`] where SQS does not take it.
    pub async fn send(&self, body: &str, attributes: Attributes) -> Result<(), SqsError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let answer = request.set_message_attributes(Some(attributes)).send().await;
        answer.map(drop).map_err(|error| SqsError::request("SendMessage", error))
    }

    /// Deletes messages by their receipts.
    ///
    /// # Errors
    /// [`SqsError`] where some are not deleted: they come again.
    pub async fn delete(&self, receipts: &[String]) -> Result<(), SqsError> {
        first_error(join_all(receipts.chunks(MAX_ENTRIES).map(|chunk| self.delete_some(chunk))).await)
    }

    async fn delete_some(&self, receipts: &[String]) -> Result<(), SqsError> {
        const OPERATION: &str = "DeleteMessageBatch";
        let entry = |(position, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(position.to_string()).receipt_handle(receipt).build()
        };
        let entries: Result<Vec<_>, _> = receipts.iter().enumerate().map(entry).collect();
        let mut left = entries.map_err(|error| SqsError::request(OPERATION, error))?;
        let mut failed = Ok(());
        for _ in 0..ATTEMPTS {
            let request = self.client.delete_message_batch().queue_url(&self.url);
            let answer = request.set_entries(Some(left.clone())).send().await;
            let answer = answer.map_err(|error| SqsError::request(OPERATION, error))?;
            // Whatever is not mentioned is not done either.
            left.retain(|entry| !answer.successful().iter().any(|done| done.id() == entry.id()));
            if left.is_empty() {
                return Ok(());
            }
            failed = Err(not_done(OPERATION, left.len(), answer.failed()));
        }
        failed
    }

    /// Hides messages by their receipts, each for so long from now on.
    ///
    /// # Errors
    /// [`SqsError`] where some are not: they come again when they would have.
    pub async fn change_visibility(&self, receipts: &[(String, Duration)]) -> Result<(), SqsError> {
        first_error(join_all(receipts.chunks(MAX_ENTRIES).map(|chunk| self.change_some(chunk))).await)
    }

    async fn change_some(&self, receipts: &[(String, Duration)]) -> Result<(), SqsError> {
        const OPERATION: &str = "ChangeMessageVisibilityBatch";
        let entry = |(position, (receipt, delay)): (usize, &(String, Duration))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(position.to_string());
            entry.receipt_handle(receipt).visibility_timeout(seconds(*delay)).build()
        };
        let entries: Result<Vec<_>, _> = receipts.iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| SqsError::request(OPERATION, error))?;
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        let answer = request.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| SqsError::request(OPERATION, error))?;
        match answer.failed() {
            [] => Ok(()),
            failed => Err(not_done(OPERATION, failed.len(), failed)),
        }
    }

    /// How many messages it has, as far as SQS knows: its counts lag behind by seconds.
    ///
    /// # Errors
    /// [`SqsError`] where SQS does not answer.
    pub async fn counts(&self) -> Result<Counts, SqsError> {
        const OPERATION: &str = "GetQueueAttributes";
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.set_attribute_names(Some(names.to_vec())).send().await;
        let attributes = answer.map_err(|error| SqsError::request(OPERATION, error))?.attributes;
        let attributes = attributes.unwrap_or_default();
        let [visible, not_visible, delayed] =
            names.map(|name| attributes.get(&name).and_then(|count| count.parse::<u64>().ok()));
        let missing = SqsError::Shape { operation: OPERATION, missing: "the number of messages" };
        visible
            .zip(not_visible)
            .zip(delayed)
            .map(|((visible, not_visible), delayed)| Counts { visible, not_visible, delayed })
            .ok_or(missing)
    }
}

/// Whole seconds, which is what SQS counts in: never less than asked for.
fn seconds(delay: Duration) -> i32 {
    let seconds = delay.min(MAX_VISIBILITY).as_millis().div_ceil(1_000);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn not_done(operation: &'static str, count: usize, failed: &[BatchResultErrorEntry]) -> SqsError {
    let text = |failed: &BatchResultErrorEntry| {
        format!("{}: {}", failed.code(), failed.message().unwrap_or("no message"))
    };
    let reason = failed.first().map_or_else(|| "the answer does not mention them".to_owned(), text);
    SqsError::Entries { operation, count, reason }
}

fn first_error(results: Vec<Result<(), SqsError>>) -> Result<(), SqsError> {
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_hidden_for_whole_seconds_and_never_too_short() {
        for (millis, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (u64::MAX, 43_200)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected, "{millis}");
        }
    }
}
