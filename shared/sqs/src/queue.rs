//! The requests to one queue.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};
use futures::future::join_all;

use crate::SqsError;

/// The most messages of one request of any kind (AWS quota).
pub(crate) const MAX_ENTRIES: usize = 10;

/// The longest visibility timeout (AWS quota: 12 hours).
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// How often a batch request is made for the entries that failed before.
const BATCH_ATTEMPTS: usize = 3;

/// The attributes of a message.
pub type Attributes = HashMap<String, MessageAttributeValue>;

/// A queue, identified by its URL.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

/// The message counts of a queue, approximate as SQS reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Messages that can be received (`ApproximateNumberOfMessages`).
    pub visible: u64,
    /// Messages that are in flight or wait for their retry (`ApproximateNumberOfMessagesNotVisible`).
    pub not_visible: u64,
    /// Messages that were sent with a delay (`ApproximateNumberOfMessagesDelayed`).
    pub delayed: u64,
}

impl Queue {
    /// Creates a queue from its URL.
    pub fn new(client: &Client, url: &str) -> Self {
        Self { client: client.clone(), url: url.to_owned() }
    }

    /// Receives up to ten messages with this visibility timeout. Waits at most `wait` for the first.
    ///
    /// # Errors
    /// [`SqsError`] if the request fails.
    pub async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<Message>, SqsError> {
        let request = self.client.receive_message().queue_url(&self.url);
        let request = request.max_number_of_messages(i32::try_from(MAX_ENTRIES).unwrap_or(i32::MAX));
        let request = request.wait_time_seconds(seconds(wait)).visibility_timeout(seconds(visibility));
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = request.message_attribute_names("All").send().await;
        let answer = answer.map_err(|error| SqsError::request("ReceiveMessage", error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Sends a message. When this returns `Ok` the message is durable.
    ///
    /// # Errors
    /// [`SqsError`] if the request fails.
    pub async fn send(&self, body: &str, attributes: Attributes) -> Result<(), SqsError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let answer = request.set_message_attributes(Some(attributes)).send().await;
        answer.map(drop).map_err(|error| SqsError::request("SendMessage", error))
    }

    /// Deletes messages by their receipt handles.
    ///
    /// # Errors
    /// [`SqsError`] if some are not deleted; they will be delivered again.
    pub async fn delete(&self, receipts: &[String]) -> Result<(), SqsError> {
        first_error(join_all(receipts.chunks(MAX_ENTRIES).map(|chunk| self.delete_some(chunk))).await)
    }

    async fn delete_some(&self, receipts: &[String]) -> Result<(), SqsError> {
        const OPERATION: &str = "DeleteMessageBatch";
        let entry = |(position, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(position.to_string()).receipt_handle(receipt).build()
        };
        let entries: Result<Vec<_>, _> = receipts.iter().enumerate().map(entry).collect();
        let mut left = entries.map_err(|error| SqsError::unsent(OPERATION, &error))?;
        let mut failed = Ok(());
        for _ in 0..BATCH_ATTEMPTS {
            let request = self.client.delete_message_batch().queue_url(&self.url);
            let answer = request.set_entries(Some(left.clone())).send().await;
            let answer = answer.map_err(|error| SqsError::request(OPERATION, error))?;
            // An entry that the response does not mention is not deleted either.
            left.retain(|entry| !answer.successful().iter().any(|done| done.id() == entry.id()));
            if left.is_empty() {
                return Ok(());
            }
            failed = Err(not_done(OPERATION, left.len(), answer.failed()));
        }
        failed
    }

    /// Changes the visibility timeouts of messages, given by their receipt handles, each counted from now.
    ///
    /// # Errors
    /// [`SqsError`] if some are not changed; they keep their timeouts.
    pub async fn change_visibility(&self, receipts: &[(String, Duration)]) -> Result<(), SqsError> {
        first_error(join_all(receipts.chunks(MAX_ENTRIES).map(|chunk| self.change_some(chunk))).await)
    }

    /// Changes the visibility timeout of one message. Unlike [`Queue::change_visibility`] it needs no right for batch requests, which emulators check
    /// separately.
    ///
    /// # Errors
    /// [`SqsError`] if the request fails; the message keeps its timeout.
    pub async fn change_visibility_of(&self, receipt: &str, timeout: Duration) -> Result<(), SqsError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let answer = request.visibility_timeout(seconds(timeout)).send().await;
        answer.map(drop).map_err(|error| SqsError::request("ChangeMessageVisibility", error))
    }

    async fn change_some(&self, receipts: &[(String, Duration)]) -> Result<(), SqsError> {
        const OPERATION: &str = "ChangeMessageVisibilityBatch";
        let entry = |(position, (receipt, delay)): (usize, &(String, Duration))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(position.to_string());
            entry.receipt_handle(receipt).visibility_timeout(seconds(*delay)).build()
        };
        let entries: Result<Vec<_>, _> = receipts.iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| SqsError::unsent(OPERATION, &error))?;
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        let answer = request.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| SqsError::request(OPERATION, error))?;
        match answer.failed() {
            [] => Ok(()),
            failed => Err(not_done(OPERATION, failed.len(), failed)),
        }
    }

    /// Returns the message counts. They lag behind by seconds.
    ///
    /// # Errors
    /// [`SqsError`] if the request fails.
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

/// Rounds a duration up to whole seconds, the unit of SQS.
fn seconds(delay: Duration) -> i32 {
    let seconds = delay.min(MAX_VISIBILITY).as_millis().div_ceil(1_000);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn not_done(operation: &'static str, count: usize, failed: &[BatchResultErrorEntry]) -> SqsError {
    let text = |failed: &BatchResultErrorEntry| {
        format!("{}: {}", failed.code(), failed.message().unwrap_or("no message"))
    };
    let reason = failed.first().map_or_else(|| "the response does not mention them".to_owned(), text);
    SqsError::Entries { operation, count, reason }
}

fn first_error(results: Vec<Result<(), SqsError>>) -> Result<(), SqsError> {
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_timeout_is_rounded_up_to_whole_seconds() {
        for (millis, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (u64::MAX, 43_200)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected, "{millis}");
        }
    }
}
