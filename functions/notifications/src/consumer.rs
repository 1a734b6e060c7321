//! The consumer `notification`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use std::vec::IntoIter;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, Iter};
use orderflow_backoff::spread;
use orderflow_bugs::is_planted;
use orderflow_messaging::{Consumer, DeadLetterCode, Delivery, Outcome, group_by_key};
use orderflow_store::{MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, WriteError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use tracing::Instrument;

use crate::channel::{Channel, ChannelError};
use crate::claims::{Claimed, Claims, NotClaimed, SEND_TIMEOUT, Unsent};
use crate::required::RequiredNotification;
use crate::table::{NOTIFICATIONS, NotificationKey, NotificationRecord, NotificationStatus};
use crate::templates::Templates;
use crate::turns::{Turn, Turns};

/// The number of messages that a process prepares at once, and of groups of them that are recorded at once. It hands one at a time to its provider.
const CONCURRENCY: usize = 32;

/// The longest delay after a provider was unavailable: as long as the longest pause of its circuit breaker. A message that was tried often during
/// an outage goes on soon after its end.
const RETRY_WITHIN: Duration = Duration::from_secs(20);

/// Notifies customers how their orders ended (`order.confirmed`, `order.rejected`, `order.cancelled`, `payment.refunded`), and
/// sends the messages that were requested through the API (`notification.requested`).
pub struct NotificationConsumer {
    store: Store,
    table: Table,
    channel: Arc<dyn Channel>,
    templates: Arc<Templates>,
    claims: Claims,
    sending: Arc<Semaphore>,
    turns: Turns,
}

/// A notification, and the record of the request that asked for it, if there is one.
type WithRequest = (RequiredNotification, Option<NotificationRecord>);

/// The outcome of a notification that was not sent or not recorded.
type Failed = (NotificationKey, Outcome);

/// A claimed notification with the permit to send it, or why it was not claimed.
type Ready = Result<(Claimed, OwnedSemaphorePermit), Failed>;

/// A claimed notification and whether it was sent, or why it was not claimed.
type Tried = Result<(Claimed, Result<(), Outcome>), Failed>;

impl NotificationConsumer {
    /// Creates a consumer that sends through this channel and records in this store.
    pub fn new(store: &Store, channel: Arc<dyn Channel>, templates: Arc<Templates>) -> Self {
        let table = store.table(&NOTIFICATIONS);
        let claims = Claims::new(store, &table);
        let sending = Arc::new(Semaphore::new(CONCURRENCY));
        let turns = Turns::new();
        Self { store: store.clone(), table, channel, templates, claims, sending, turns }
    }

    /// Returns the consumer for a store that no other process uses: a claim that it finds there is that of a process that has ended.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { claims: self.claims.alone(), ..self }
    }

    /// Claims and sends notifications that are not recorded as sent. Each is recorded before the next one is handed to its provider: after a crash
    /// one message is sent again at most. Returns the outcomes of those that failed.
    async fn notify(&self, notifications: Vec<RequiredNotification>) -> Vec<Failed> {
        let recorded = match self.recorded(&notifications).await {
            Ok(recorded) => recorded,
            Err(error) => return retry_all(&notifications, &error),
        };
        let (marks, mut recorded): (HashMap<_, _>, HashMap<_, _>) =
            recorded.into_iter().partition(|(key, _)| key.is_mark());
        let is_forgotten = |key: &NotificationKey| key.mark().is_some_and(|mark| marks.contains_key(&mark));
        let unsent =
            notifications.into_iter().filter_map(|notification| match recorded.remove(notification.key()) {
                _ if is_forgotten(notification.key()) => None,
                Some(record) if record.status == NotificationStatus::Sent => None,
                Some(record) if record.recipient.is_forgotten() => None,
                request => Some((notification, request)),
            });
        let (unsent, mut failed) = self.rendered(unsent);
        let not_recorded = stream::unfold(self.claiming(unsent), Claiming::next)
            .flatten()
            .map(|claimed| self.send(claimed))
            .buffer_unordered(CONCURRENCY)
            .filter_map(std::future::ready)
            .ready_chunks(MAX_TRANSACTION_ACTIONS)
            .map(|sent| self.record(sent))
            .buffer_unordered(CONCURRENCY)
            .concat()
            .await;
        failed.extend(not_recorded);
        failed
    }

    /// Renders messages. Returns the outcomes of those that cannot be rendered or sent at present, so that they need no claim.
    fn rendered(&self, notifications: impl Iterator<Item = WithRequest>) -> (Vec<Unsent>, Vec<Failed>) {
        let (mut unsent, mut failed) = (Vec::new(), Vec::new());
        for (notification, row) in notifications {
            let message = notification.message(&self.templates).map_err(Outcome::retry);
            let ready = message.and_then(|message| match self.channel.ready(&message) {
                Ok(()) => Ok(message),
                Err(error) => Err(failure_outcome(&error)),
            });
            match ready {
                Ok(message) => {
                    let stores_claim = self.channel.reaches_customers(&message);
                    unsent.push(Unsent { notification, message, row, stores_claim });
                }
                Err(outcome) => failed.push((notification.key().clone(), outcome)),
            }
        }
        (unsent, failed)
    }

    fn claiming(&self, unsent: Vec<Unsent>) -> Claiming {
        let (claims, sending) = (self.claims.clone(), self.sending.clone());
        Claiming { unsent: unsent.into_iter(), claims, sending }
    }

    /// Reads the records of notifications, and the marks of orders whose customers are forgotten.
    async fn recorded(
        &self,
        notifications: &[RequiredNotification],
    ) -> Result<HashMap<NotificationKey, NotificationRecord>, StoreError> {
        let keys = notifications.iter().map(RequiredNotification::key);
        let marks: HashSet<NotificationKey> = keys.clone().filter_map(NotificationKey::mark).collect();
        let keys = keys.chain(&marks).map(|key| key.item(&self.table)).collect();
        let records: Vec<NotificationRecord> = self.table.get_all(keys).await?;
        Ok(records.into_iter().map(|record| (record.key.clone(), record)).collect())
    }

    /// Sends a message. If it had its turn, it is recorded within it. Returns what is not recorded.
    async fn send(&self, ready: Ready) -> Option<Tried> {
        let (claimed, _permit) = match ready {
            Ok(ready) => ready,
            Err(not_claimed) => return Some(Err(not_claimed)),
        };
        let mut turn = self.turn_of(&claimed);
        let sending = self.channel.send(&claimed.message, &mut turn).instrument(claimed.notification.span());
        let result = match timeout_at(claimed.start_by() + SEND_TIMEOUT, sending).await {
            Ok(result) => result,
            Err(_) => {
                let seconds = SEND_TIMEOUT.as_secs();
                Err(ChannelError::Unavailable(format!("the provider did not answer within {seconds} s")))
            }
        };
        let tried = Ok((claimed, result.map_err(|error| failure_outcome(&error))));
        if matches!(tried, Ok((_, Err(_)))) || !turn.is_taken() {
            return Some(tried);
        }
        self.record(vec![tried]).await.pop().map(Err)
    }

    /// Returns the turn of a message. A message that is only logged needs none: turns cost throughput, and a repeated line reaches no customer.
    fn turn_of(&self, claimed: &Claimed) -> Turn {
        if !self.channel.reaches_customers(&claimed.message) {
            Turn::free(claimed.start_by())
        } else {
            self.turns.turn(claimed.start_by())
        }
    }

    async fn record(&self, tried: Vec<Tried>) -> Vec<Failed> {
        let (mut failed, mut ending, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for tried in tried {
            let (claimed, result) = match tried {
                Ok(tried) => tried,
                Err(not_claimed) => {
                    failed.push(not_claimed);
                    continue;
                }
            };
            let key = claimed.notification.key().clone();
            let write = match &result {
                Ok(()) if is_planted("notification-not-recorded") => Ok(None),
                Ok(()) => self.claims.sent(&claimed).map(Some),
                Err(_) => self.claims.given_up(&claimed),
            };
            match write {
                Ok(Some(write)) => {
                    writes.push(write);
                    ending.push((key, claimed, result));
                }
                Ok(None) => failed.extend(result.err().map(|outcome| (key, outcome))),
                Err(error) => failed.push((key, Outcome::retry(error))),
            }
        }
        let written = self.store.write_each(writes).await;
        for ((key, _claimed, result), written) in ending.into_iter().zip(written) {
            match (result, written) {
                // If a failed message keeps its claim, this process can take it over at once.
                (Err(outcome), _) => failed.push((key, outcome)),
                // A failed condition: another process has taken the claim over.
                (Ok(()), Ok(()) | Err(WriteError::ConditionFailed(_))) => {}
                (Ok(()), Err(_)) if is_planted("notification-acknowledged-before-store") => {}
                (Ok(()), Err(WriteError::Store(error))) => failed.push((key, Outcome::retry(error))),
            }
        }
        failed
    }
}

/// Claims notifications when they can be sent.
struct Claiming {
    unsent: IntoIter<Unsent>,
    claims: Claims,
    sending: Arc<Semaphore>,
}

impl Claiming {
    /// Claims as many notifications as can be sent at present. Returns them and the rest, or `None` at the end.
    async fn next(mut self) -> Option<(Iter<IntoIter<Ready>>, Self)> {
        if self.unsent.len() == 0 {
            return None;
        }
        let permits = self.permits().await;
        let results = self.claims.claim(self.unsent.by_ref().take(permits.len()).collect()).await;
        let ready = results.into_iter().zip(permits).filter_map(|((key, result), permit)| match result {
            Ok(claimed) => Some(Ok((claimed, permit))),
            Err(NotClaimed::Later(outcome)) => Some(Err((key, outcome))),
            Err(NotClaimed::Sent) => None,
        });
        Some((stream::iter(ready.collect::<Vec<_>>()), self))
    }

    /// Waits until one more message can be sent, and returns the permits of as many as possible. So the messages are claimed together, and a
    /// claimed message does not wait.
    async fn permits(&self) -> Vec<OwnedSemaphorePermit> {
        let first = self.sending.clone().acquire_owned().await.expect("the semaphore is never closed");
        let more = std::iter::from_fn(|| self.sending.clone().try_acquire_owned().ok());
        std::iter::once(first).chain(more.take(self.unsent.len() - 1)).collect()
    }
}

fn retry_all(notifications: &[RequiredNotification], error: &StoreError) -> Vec<Failed> {
    let retry = |notification: &RequiredNotification| (notification.key().clone(), Outcome::retry(error));
    notifications.iter().map(retry).collect()
}

/// Returns the outcome of an event whose message was not accepted.
fn failure_outcome(error: &ChannelError) -> Outcome {
    match error {
        ChannelError::Unavailable(_) if is_planted("failed-mail-acknowledged") => Outcome::Done,
        ChannelError::Unavailable(_) => Outcome::retry_within(error, RETRY_WITHIN),
        ChannelError::RecipientUnavailable(_) => Outcome::retry(error),
        ChannelError::Refused(_) => {
            Outcome::DeadLetter { code: DeadLetterCode::MESSAGE_REFUSED, reason: error.to_string() }
        }
        ChannelError::CircuitOpen { retry_after } => {
            Outcome::Defer { reason: error.to_string(), after: spread(*retry_after) }
        }
        ChannelError::TooLate(_) => {
            Outcome::Defer { reason: error.to_string(), after: spread(Duration::ZERO) }
        }
    }
}

/// Merges the outcomes of two notifications of one event. The event is delivered again while one of them can still be
/// sent, and dead-lettered once all others are done.
fn more_urgent(one: Outcome, other: Outcome) -> Outcome {
    let urgency = |outcome: &Outcome| match outcome {
        Outcome::Retry { .. } => 3,
        Outcome::Defer { .. } => 2,
        Outcome::DeadLetter { .. } => 1,
        Outcome::Done => 0,
    };
    if urgency(&other) >= urgency(&one) { other } else { one }
}

#[async_trait]
impl Consumer for NotificationConsumer {
    fn name(&self) -> &'static str {
        "notification"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        // Of several events that call for the same notification, the first is sent.
        let (notifications, positions) = group_by_key(batch, RequiredNotification::all_of, |_, _| ());
        let mut outcomes = vec![Outcome::Done; batch.len()];
        positions.scatter_merged(self.notify(notifications).await, &mut outcomes, more_urgent);
        outcomes
    }
}
