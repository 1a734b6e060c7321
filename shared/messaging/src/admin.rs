//! What operators do with queues, whatever broker runs them.

use async_trait::async_trait;
use orderflow_domain::{Event, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How full the queue of a consumer is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueStatus {
    /// Whose queue it is.
    pub consumer: String,
    /// Messages that can be delivered.
    pub depth: u64,
    /// Messages that are being worked on, as far as the process that answers can know.
    pub in_flight: u64,
    /// Messages that come again later.
    pub delayed: u64,
    /// Messages that are out of the way.
    pub dead: u64,
}

/// A dead letter as its queue keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeadLetter {
    /// The message's id: the event's, or one that is derived from a body that is no event.
    pub id: String,
    /// Who could not deal with it.
    pub consumer: String,
    /// A stable code.
    pub code: String,
    /// Why, for a person.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried, as far as that is known.
    pub first_at: Option<Timestamp>,
    /// When it was given up.
    pub last_at: Option<Timestamp>,
    /// The message as it came.
    pub body: String,
}

/// Which dead letters of a consumer are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one.
    All,
    /// Those with these ids.
    Ids(Vec<String>),
    /// Those with this code.
    Code(String),
}

impl Selection {
    /// Whether this one is meant.
    pub fn includes(&self, letter: &StoredDeadLetter) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&letter.id),
            Self::Code(code) => *code == letter.code,
        }
    }
}

/// The queues did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queues cannot be reached: {0}")]
pub struct AdminError(pub String);

/// Told after each message of a long piece of work.
pub type Progress<'a> = &'a (dyn Fn() + Send + Sync);

/// Looks after the queues of all consumers, and their dead letters. Consumers are those of [`SUBSCRIPTIONS`](crate::SUBSCRIPTIONS); others have no queue and no
/// dead letters.
///
/// Whatever is interrupted half-way leaves each message in at least one place, so that running it again completes it.
#[async_trait]
pub trait QueueAdmin: Send + Sync + 'static {
    /// How full each queue is, in the order of the subscriptions.
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError>;

    /// The dead letters of a consumer, oldest first as far as the broker keeps them in order.
    async fn dead_letters(&self, consumer: &str) -> Result<Vec<StoredDeadLetter>, AdminError>;

    /// Gives a dead letter another body, and leaves it where it is. False where there is none of that id.
    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError>;

    /// Deletes dead letters for good. Gives how many.
    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError>;

    /// Gives dead letters back to their consumer's queue, with no attempt counted. Gives how many.
    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: Progress<'_>,
    ) -> Result<u64, AdminError>;
}
