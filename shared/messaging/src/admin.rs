//! The operator's view of the queues, the same for every broker: counts, dead letters, replay, purge.

use std::collections::HashMap;

use async_trait::async_trait;
use orderflow_domain::Event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DeadLetter;

/// The message counts of a consumer's queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueStatus {
    /// The consumer whose queue it is.
    pub consumer: String,
    /// Messages that wait for delivery.
    pub ready: u64,
    /// Messages delivered and not yet acknowledged, as far as the answering process knows.
    pub in_flight: u64,
    /// Messages that wait for their retry.
    pub delayed: u64,
    /// Messages in the dead-letter queue.
    pub dead: u64,
}

/// Selects dead letters of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those with these ids.
    Ids(Vec<String>),
    /// Those with this code.
    Code(String),
}

impl Selection {
    /// Returns whether the selection includes this dead letter.
    pub fn includes(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&letter.id),
            Self::Code(code) => *code == letter.code,
        }
    }
}

/// A page of the dead letters of a consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterPage {
    /// The dead letters.
    pub letters: Vec<DeadLetter>,
    /// The position after which the next page begins; `None` on the last page.
    pub next: Option<String>,
}

/// The most bytes of message bodies on one page, except that a page has at least one dead letter.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// The most characters of an id that count for its position.
const POSITION_ID_MAX: usize = 200;

impl DeadLetterPage {
    /// Returns the page after a position of all dead letters of a consumer, which are in any order.
    pub fn of(mut letters: Vec<DeadLetter>, after: Option<&str>, limit: usize) -> Self {
        letters.retain(|letter| after.is_none_or(|after| position(letter).as_str() > after));
        letters.sort_by_cached_key(position);
        let last = letters.last().map(position);
        let mut page = Self { letters, next: None };
        page.letters.truncate(limit);
        page.limit_bytes();
        let reached = page.letters.last().map(position);
        page.next = reached.filter(|reached| last.as_ref() != Some(reached));
        page
    }

    /// Drops the dead letters that make the page too large. Returns whether there were any.
    pub fn limit_bytes(&mut self) -> bool {
        let mut bytes = 0;
        let fits = |letter: &DeadLetter| {
            bytes += letter.body.len();
            bytes <= PAGE_BYTES_MAX
        };
        let fitting = self.letters.iter().map(fits).take_while(|fits| *fits).count().max(1);
        let is_too_large = self.letters.len() > fitting;
        self.letters.truncate(fitting);
        is_too_large
    }
}

/// Returns a text that sorts as dead letters do: oldest first, then by id.
fn position(letter: &DeadLetter) -> String {
    let time = letter.last_at.map(|time| time.to_string()).unwrap_or_default();
    let id: String = letter.id.chars().take(POSITION_ID_MAX).collect();
    format!("{time}#{id}")
}

/// The most dead letters of a consumer that are counted by code.
pub const COUNTED_MAX: usize = 10_000;

/// The broker did not answer, or refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queues cannot be reached: {0}")]
pub struct AdminError(pub String);

/// Called after each replayed message.
pub type ReplayProgress<'a> = &'a (dyn Fn() + Send + Sync);

/// Administers the queues and dead letters of all consumers. The consumers are those of [`SUBSCRIPTIONS`](crate::SUBSCRIPTIONS); any other name
/// has no queue and no dead letters.
///
/// An operation that is interrupted leaves each message in at least one queue, so that running it again completes it.
#[async_trait]
pub trait QueueAdmin: Send + Sync + 'static {
    /// Returns the counts of each queue, in the order of the subscriptions.
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError>;

    /// Returns the dead letters of a consumer, oldest first as far as the broker keeps them in order.
    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError>;

    /// Returns the next `limit` dead letters of a consumer after a position, fewer if they are large. Their order is that of the broker, and stays
    /// the same from page to page.
    ///
    /// RabbitMQ and SQS can only be read from the head, so there each page receives every dead letter of the consumer and returns the rest.
    async fn dead_letter_page(
        &self,
        consumer: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<DeadLetterPage, AdminError> {
        Ok(DeadLetterPage::of(self.dead_letters(consumer).await?, after, limit))
    }

    /// Returns a dead letter; if several have the id, the oldest.
    async fn dead_letter(&self, consumer: &str, id: &str) -> Result<Option<DeadLetter>, AdminError> {
        Ok(self.dead_letters(consumer).await?.into_iter().find(|letter| letter.id == id))
    }

    /// Returns the code of each dead letter of a consumer, of at most [`COUNTED_MAX`].
    async fn dead_letter_codes(&self, consumer: &str) -> Result<Vec<String>, AdminError> {
        let letters = self.dead_letters(consumer).await?;
        Ok(letters.into_iter().take(COUNTED_MAX).map(|letter| letter.code).collect())
    }

    /// Replaces the body of a dead letter, which stays in the dead-letter queue. Returns false if no dead letter has this id.
    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError>;

    /// Returns the bodies of the messages of a consumer that wait for delivery or for their retry, as far as the broker can show them. None for
    /// brokers that cannot.
    async fn waiting(&self, _consumer: &str) -> Result<Vec<String>, AdminError> {
        Ok(Vec::new())
    }

    /// Replaces the bodies of messages that [`Self::waiting`] returned, each by the body under its own. Returns how many changed. Messages that
    /// are delivered meanwhile keep theirs.
    async fn rewrite(
        &self,
        _consumer: &str,
        _replacements: &HashMap<String, String>,
    ) -> Result<usize, AdminError> {
        Ok(0)
    }

    /// Deletes dead letters permanently. Returns how many.
    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError>;

    /// Sends dead letters back to their consumer's queue, with their attempts reset to zero. Returns how many.
    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError>;
}

#[cfg(test)]
mod tests {
    use orderflow_domain::Timestamp;

    use super::*;

    fn letter(id: &str, millis: i64, bytes: usize) -> DeadLetter {
        DeadLetter {
            id: id.to_owned(),
            consumer: "payment".to_owned(),
            code: "bad".to_owned(),
            reason: String::new(),
            attempts: 1,
            first_at: None,
            last_at: Some(Timestamp::from_millis(millis)),
            body: "x".repeat(bytes),
        }
    }

    fn ids_of_pages(letters: &[DeadLetter], limit: usize) -> Vec<Vec<String>> {
        let (mut pages, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = DeadLetterPage::of(letters.to_vec(), after.as_deref(), limit);
            pages.push(page.letters.into_iter().map(|letter| letter.id).collect());
            after = page.next;
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn pages_have_each_dead_letter_once_oldest_first() {
        let letters = [letter("d", 4, 1), letter("b", 2, 1), letter("c", 2, 1), letter("a", 3, 1)];
        assert_eq!(ids_of_pages(&letters, 2), [["b", "c"], ["a", "d"]]);
        assert_eq!(ids_of_pages(&letters, 3), [vec!["b", "c", "a"], vec!["d"]]);
        assert_eq!(ids_of_pages(&[], 3), [Vec::<String>::new()]);
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_and_has_at_least_one_dead_letter() {
        let letters = [letter("a", 1, 700_000), letter("b", 2, 700_000), letter("c", 3, 9_000_000)];
        assert_eq!(ids_of_pages(&letters, 100), [["a"], ["b"], ["c"]]);
    }
}
