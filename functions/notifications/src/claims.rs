//! Claims: a notification is sent by one consumer at a time, also if several processes receive its event at once.
//!
//! A consumer writes its claim into the row of the notification before it sends the message, under the condition that the row has not
//! changed. The claim ends with the write that records the message as sent, or that gives a failed message up. If the process dies in
//! between, another one takes the claim over once it is [`CLAIM_EXPIRES_AFTER`] old; the process itself may do so at once.
//!
//! A message that reaches no customer, because no provider is set and it is only logged, is claimed within the process only: its row is written
//! once, when it is recorded as sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderflow_bugs::is_planted;
use orderflow_domain::{Timestamp, random_id};
use orderflow_messaging::Outcome;
use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use tokio::time::Instant;
use uuid::Uuid;

use crate::channel::Message;
use crate::required::RequiredNotification;
use crate::table::{Claim, NotificationKey, NotificationRecord, NotificationStatus};

/// The longest time from the handing over of a message to its provider to the answer. A provider has a shorter limit of its own.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(25);

/// The age at which another process may take a claim over. It is longer than [`START_WITHIN`] and [`SEND_TIMEOUT`] together, and leaves
/// five seconds for clocks that differ.
pub(crate) const CLAIM_EXPIRES_AFTER: Duration = Duration::from_secs(60);

/// The longest time between the beginning of a claim and the handing over of the message to its provider: the wait for a connection, the connection and
/// the wait for its turn. A message that is later is not sent.
const START_WITHIN: Duration = Duration::from_secs(30);

/// The shortest time after which a message that another consumer is sending is looked at again.
const LOOK_AGAIN_MIN: Duration = Duration::from_secs(1);

/// A notification to claim, and its row, if there is one.
pub(crate) struct Unsent {
    pub notification: RequiredNotification,
    pub message: Message,
    pub row: Option<NotificationRecord>,
    /// Whether other processes have to see the claim: the message reaches a customer.
    pub stores_claim: bool,
}

/// A notification that this consumer has claimed.
pub(crate) struct Claimed {
    pub notification: RequiredNotification,
    pub message: Message,
    /// The row with the claim.
    row: NotificationRecord,
    /// The version of the stored row; `None` if there is none.
    stored: Option<u32>,
    /// Whether the claim is stored.
    stores_claim: bool,
    /// Whether there was a row before the claim.
    was_requested: bool,
    since: Instant,
    _in_progress: InProgress,
}

impl Claimed {
    /// Returns until when the message may be handed over to its provider under this claim.
    pub(crate) fn start_by(&self) -> Instant {
        self.since + START_WITHIN
    }
}

/// Why a notification was not claimed.
pub(crate) enum NotClaimed {
    /// It is sent.
    Sent,
    /// Its event has to be delivered again.
    Later(Outcome),
}

/// The claims of one consumer.
#[derive(Clone)]
pub(crate) struct Claims {
    store: Store,
    table: Table,
    owner: Uuid,
    /// The age at which a claim of another owner may be taken over.
    expires_after: Duration,
    in_progress: Arc<Mutex<HashSet<NotificationKey>>>,
}

impl Claims {
    pub(crate) fn new(store: &Store, table: &Table) -> Self {
        let in_progress = Arc::default();
        Self {
            store: store.clone(),
            table: table.clone(),
            owner: random_id(),
            expires_after: CLAIM_EXPIRES_AFTER,
            in_progress,
        }
    }

    /// Takes claims of other owners over at once.
    pub(crate) fn alone(self) -> Self {
        Self { expires_after: Duration::ZERO, ..self }
    }

    /// Claims notifications. Returns a result for each.
    pub(crate) async fn claim(
        &self,
        unsent: Vec<Unsent>,
    ) -> Vec<(NotificationKey, Result<Claimed, NotClaimed>)> {
        let (mut results, mut claims, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for unsent in unsent {
            let key = unsent.notification.key().clone();
            match self.prepare(unsent) {
                Ok((claimed, Some(write))) => {
                    claims.push((key, claimed));
                    writes.push(write);
                }
                Ok((claimed, None)) => results.push((key, Ok(claimed))),
                Err(outcome) => results.push((key, Err(NotClaimed::Later(outcome)))),
            }
        }
        let written = self.store.write_each(writes).await;
        for ((key, claimed), result) in claims.into_iter().zip(written) {
            let result = match result {
                Ok(()) => Ok(claimed),
                Err(WriteError::ConditionFailed(row)) => Err(self.other_claim(row.map(|row| *row))),
                Err(WriteError::Store(error)) => Err(NotClaimed::Later(Outcome::retry(error))),
            };
            results.push((key, result));
        }
        results
    }

    /// Returns a notification with its claim, and the write that stores the claim, if other processes have to see it.
    fn prepare(&self, unsent: Unsent) -> Result<(Claimed, Option<Write>), Outcome> {
        let Unsent { notification, message, row, stores_claim } = unsent;
        let key = notification.key();
        if let Some(wait) = row.as_ref().and_then(|row| self.held_for(row)) {
            return Err(being_sent(wait));
        }
        let in_progress = self.begin(key).ok_or_else(|| being_sent(LOOK_AGAIN_MIN))?;
        let claim = Claim { owner: self.owner, at: Timestamp::now() };
        let before = row.as_ref().map(|row| row.version);
        let was_requested = row.as_ref().is_some_and(NotificationRecord::is_request);
        let row = match row {
            Some(row) => row.claimed(claim),
            None => {
                NotificationRecord::required(key.clone(), &message, notification.traceparent.clone(), claim)
            }
        };
        let (stored, write) = if stores_claim {
            let write = Write::put(&self.table, &row).map_err(Outcome::retry)?;
            let is_free = is_planted("claim-without-condition");
            (Some(row.version), Some(if is_free { write } else { if_unchanged(write, before) }))
        } else {
            (before, None)
        };
        let claimed = Claimed {
            notification,
            message,
            row,
            stored,
            stores_claim,
            was_requested,
            since: Instant::now(),
            _in_progress: in_progress,
        };
        Ok((claimed, write))
    }

    /// Returns what follows if another consumer changed the row first.
    fn other_claim(&self, row: Option<orderflow_store::Item>) -> NotClaimed {
        let Some(row) = row else { return NotClaimed::Later(being_sent(LOOK_AGAIN_MIN)) };
        match self.table.parse::<NotificationRecord>(row) {
            Ok(row) if row.status == NotificationStatus::Sent => NotClaimed::Sent,
            Ok(row) => NotClaimed::Later(being_sent(self.held_for(&row).unwrap_or(LOOK_AGAIN_MIN))),
            Err(error) => NotClaimed::Later(Outcome::retry(error)),
        }
    }

    /// Returns when to look again at a row that another consumer has claimed; `None` if the row can be claimed. The wait grows with the age
    /// of the claim, so that a message that is sent soon is not looked at often.
    fn held_for(&self, row: &NotificationRecord) -> Option<Duration> {
        let claim = row.claim.as_ref()?;
        if claim.owner == self.owner {
            return locked(&self.in_progress).contains(&row.key).then_some(LOOK_AGAIN_MIN);
        }
        let now = Timestamp::now();
        let age = now.since(claim.at);
        // A claim that lies far in the future was made before a clock was set back.
        if age >= self.expires_after
            || is_planted("claim-taken-over-at-once")
            || claim.at.since(now) >= self.expires_after
        {
            return None;
        }
        Some(age.min(self.expires_after - age).max(LOOK_AGAIN_MIN))
    }

    fn begin(&self, key: &NotificationKey) -> Option<InProgress> {
        let is_new = locked(&self.in_progress).insert(key.clone());
        is_new.then(|| InProgress { all: self.in_progress.clone(), key: key.clone() })
    }

    /// Returns the write that ends a claim because the message is sent.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if the row cannot be serialised.
    pub(crate) fn sent(&self, claimed: &Claimed) -> Result<Write, StoreError> {
        let row = claimed.row.clone().fulfilled(&claimed.message);
        Ok(if_unchanged(Write::put(&self.table, &row)?, claimed.stored))
    }

    /// Returns the write that ends a claim because the message was not sent; `None` if the claim is not stored.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if the row cannot be serialised.
    pub(crate) fn given_up(&self, claimed: &Claimed) -> Result<Option<Write>, StoreError> {
        if !claimed.stores_claim {
            return Ok(None);
        }
        let version = claimed.row.version;
        let write = if claimed.was_requested {
            Write::put(&self.table, &claimed.row.clone().released())?
        } else {
            Write::delete(&self.table, claimed.row.key.item(&self.table))
        };
        Ok(Some(write.if_version(version)))
    }
}

/// Returns the write under the condition that the row still has this version, or does still not exist.
fn if_unchanged(write: Write, version: Option<u32>) -> Write {
    match version {
        Some(version) => write.if_version(version),
        None => write.if_absent(),
    }
}

fn being_sent(wait: Duration) -> Outcome {
    let reason = "another consumer is sending the message".to_owned();
    Outcome::Defer { reason, after: orderflow_backoff::spread(wait) }
}

/// A notification that a consumer is sending or recording, until this is dropped.
struct InProgress {
    all: Arc<Mutex<HashSet<NotificationKey>>>,
    key: NotificationKey,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        locked(&self.all).remove(&self.key);
    }
}

fn locked(keys: &Mutex<HashSet<NotificationKey>>) -> MutexGuard<'_, HashSet<NotificationKey>> {
    // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}
