//! The operator's view of the queues, the same for every broker: counts, dead letters, replay, purge.

use std::collections::{BTreeMap, HashMap};

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

/// Collects the page after a position from all dead letters of a consumer, which come in any order. It keeps one more than the page has.
struct PageCollector<'a> {
    after: Option<&'a str>,
    limit: usize,
    seen: usize,
    first: BTreeMap<(String, usize), DeadLetter>,
}

impl<'a> PageCollector<'a> {
    fn new(after: Option<&'a str>, limit: usize) -> Self {
        Self { after, limit, seen: 0, first: BTreeMap::new() }
    }

    fn add(&mut self, letter: DeadLetter) {
        let position = position(&letter);
        if self.after.is_some_and(|after| position.as_str() <= after) {
            return;
        }
        self.seen += 1;
        self.first.insert((position, self.seen), letter);
        if self.first.len() > self.limit + 1 {
            self.first.pop_last();
        }
    }

    fn into_page(self) -> DeadLetterPage {
        let last = self.first.keys().next_back().map(|(position, _)| position.clone());
        let letters = self.first.into_values().take(self.limit).collect();
        let mut page = DeadLetterPage { letters, next: None };
        page.limit_bytes();
        let reached = page.letters.last().map(position);
        page.next = reached.filter(|reached| last.as_ref() != Some(reached));
        page
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

/// Called with each dead letter.
pub type DeadLetterVisit<'a> = &'a mut (dyn FnMut(DeadLetter) + Send);

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

    /// Calls `visit` with each dead letter of a consumer, in any order. A broker whose messages are received one after another keeps none of them in
    /// memory.
    async fn visit_dead_letters(&self, consumer: &str, visit: DeadLetterVisit<'_>) -> Result<(), AdminError> {
        self.dead_letters(consumer).await?.into_iter().for_each(visit);
        Ok(())
    }

    /// Returns the next `limit` dead letters of a consumer after a position, fewer if they are large. Their order is that of the broker, and stays
    /// the same from page to page.
    ///
    /// RabbitMQ and SQS can only be read from the head, so there each page receives every dead letter of the consumer, keeps those of the page and
    /// returns all to the queue.
    async fn dead_letter_page(
        &self,
        consumer: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<DeadLetterPage, AdminError> {
        let mut page = PageCollector::new(after, limit);
        self.visit_dead_letters(consumer, &mut |letter| page.add(letter)).await?;
        Ok(page.into_page())
    }

    /// Returns a dead letter; if several have the id, the oldest.
    async fn dead_letter(&self, consumer: &str, id: &str) -> Result<Option<DeadLetter>, AdminError> {
        let mut oldest = None::<DeadLetter>;
        let mut visit = |letter: DeadLetter| {
            let is_older = oldest.as_ref().is_none_or(|oldest| letter.last_at < oldest.last_at);
            if letter.id == id && is_older {
                oldest = Some(letter);
            }
        };
        self.visit_dead_letters(consumer, &mut visit).await?;
        Ok(oldest)
    }

    /// Returns the code of each dead letter of a consumer, of at most [`COUNTED_MAX`].
    async fn dead_letter_codes(&self, consumer: &str) -> Result<Vec<String>, AdminError> {
        let mut codes = Vec::new();
        let mut visit = |letter: DeadLetter| {
            if codes.len() < COUNTED_MAX {
                codes.push(letter.code);
            }
        };
        self.visit_dead_letters(consumer, &mut visit).await?;
        Ok(codes)
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
            let mut page = PageCollector::new(after.as_deref(), limit);
            for letter in letters {
                page.add(letter.clone());
                assert!(page.first.len() <= limit + 1);
            }
            let page = page.into_page();
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
