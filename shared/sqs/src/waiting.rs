//! The ready messages of a consumer, while personal data in them is blanked.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use futures::future::join_all;

use crate::{Queue, SqsError};

/// The visibility timeout of messages that are looked at. An interrupted call leaves them invisible for as long.
const LOOK_VISIBILITY: Duration = Duration::from_secs(30);

/// How long SQS waits for another message before it returns none. Without waiting it samples only a subset of its servers (short polling).
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// The concurrent requests, which together receive up to a hundred messages.
const REQUESTS: usize = 10;

/// The most messages that one call looks at. A consumer receives those behind them before long.
const MESSAGES_MAX: usize = 5_000;

/// Returns the bodies of the messages that can be received, and makes them visible again. Messages that are in flight or wait for their retry cannot be
/// received. SQS counts it as a receive of each message.
///
/// # Errors
/// [`SqsError`] if a request fails.
pub(crate) async fn read(queue: &Queue) -> Result<Vec<String>, SqsError> {
    let mut taken = Taken::new(queue);
    let received = taken.receive_all().await;
    taken.give_back().await?;
    received?;
    Ok(taken.messages.into_iter().filter_map(|message| message.body).collect())
}

/// Replaces the bodies of messages, each by the body under its own. Returns how many changed. A message is deleted after the queue stores the other one, so an
/// interrupted call leaves a message twice at most, which consumers tolerate.
///
/// # Errors
/// [`SqsError`] if a request fails.
pub(crate) async fn rewrite(
    queue: &Queue,
    replacements: &HashMap<String, String>,
) -> Result<usize, SqsError> {
    let mut taken = Taken::new(queue);
    let received = taken.receive_all().await;
    let changed = match received {
        Ok(()) => taken.replace(replacements).await,
        Err(error) => Err(error),
    };
    taken.give_back().await?;
    changed
}

/// Received messages, which are invisible to consumers.
struct Taken<'a> {
    queue: &'a Queue,
    messages: Vec<Message>,
}

impl<'a> Taken<'a> {
    fn new(queue: &'a Queue) -> Self {
        Self { queue, messages: Vec::new() }
    }

    async fn receive_all(&mut self) -> Result<(), SqsError> {
        let mut seen = HashSet::new();
        while self.messages.len() < MESSAGES_MAX {
            let requests = (0..REQUESTS).map(|_| self.queue.receive(RECEIVE_WAIT, LOOK_VISIBILITY));
            let (mut failed, mut new) = (Ok(()), 0);
            for received in join_all(requests).await {
                match received {
                    Ok(messages) => {
                        // A message that is received twice outlived its visibility timeout.
                        new += messages.iter().filter(|one| seen.insert(one.message_id.clone())).count();
                        self.messages.extend(messages);
                    }
                    Err(error) => failed = Err(error),
                }
            }
            failed?;
            if new == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Sends the replacement of each message that has one, then deletes the message.
    async fn replace(&mut self, replacements: &HashMap<String, String>) -> Result<usize, SqsError> {
        let replacement_of =
            |message: &Message| message.body.as_ref().and_then(|body| replacements.get(body)).cloned();
        let mut changed = 0;
        let mut others = Vec::new();
        let mut left = std::mem::take(&mut self.messages).into_iter();
        while let Some(message) = left.next() {
            let Some(body) = replacement_of(&message) else {
                others.push(message);
                continue;
            };
            let receipt = message.receipt_handle.clone().unwrap_or_default();
            let replaced = match self.queue.send(&body, HashMap::new()).await {
                Ok(()) => self.queue.delete(&[receipt]).await,
                failed => failed,
            };
            if let Err(error) = replaced {
                others.push(message);
                others.extend(left);
                self.messages = others;
                return Err(error);
            }
            changed += 1;
        }
        self.messages = others;
        Ok(changed)
    }

    /// Makes the messages visible again at once.
    async fn give_back(&self) -> Result<(), SqsError> {
        let receipts = self.messages.iter().filter_map(|message| message.receipt_handle.clone());
        let receipts: Vec<_> = receipts.map(|receipt| (receipt, Duration::ZERO)).collect();
        self.queue.change_visibility(&receipts).await
    }
}
