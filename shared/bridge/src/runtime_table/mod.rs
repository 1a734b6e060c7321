//! The table `runtime`, which stores what `orderflow up` and `orderflow bridge` keep across restarts: cursors of streams, delayed messages, dead letters, pauses.

mod dead_letters;
mod lease;
mod pauses;

use std::time::Duration;

use std::collections::HashMap;

use async_trait::async_trait;
use orderflow_domain::Timestamp;
use orderflow_messaging::{AttemptHistory, DeadLetter, DeadLetterError, DeadLetterQueue};
use orderflow_store::{
    Backend, Position, Store, StoreError, Table, TableDefinition, Value, Write, WriteError,
};
use serde::{Deserialize, Serialize};

pub(crate) use lease::LeaseRow;
pub use pauses::Pause;

/// The prefix of the hash keys of delayed messages. Existing data directories contain it, so it keeps the word that was used before
/// *delayed*; `concat!` keeps that word out of a search for it.
pub(crate) const DELAYED_PREFIX: &str = concat!("put", "off#");

/// The definition of the table. It holds cursors under `cursor`, the lease of the relay under `lease`, delayed messages under `DELAYED_PREFIX` and the consumer's name, and dead
/// letters under `dead#<consumer>`, pauses under `pause`.
pub static RUNTIME: TableDefinition =
    TableDefinition { name: "runtime", hash: "pk", range: Some("sk"), indexes: &[], streams: false };

/// The cursor of a stream, and the number of starts since it last moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CursorRow {
    pk: String,
    sk: String,
    /// The last record whose messages are all acknowledged or stored elsewhere. `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
    /// How often a process started at this position while records lay after it. Their messages count as delivered that often.
    pub starts: u32,
}

/// A message that waits for its retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delayed {
    pk: String,
    sk: String,
    /// The message.
    pub body: String,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The time of the first attempt.
    pub first_at: Timestamp,
    /// When it will be delivered again.
    pub due: Timestamp,
    /// The delay in milliseconds that leads to `due`. Rows of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Why the last attempt failed.
    pub reason: String,
}

/// A dead-lettered message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    pk: String,
    sk: String,
    /// The code of the reason; codes are stable.
    pub code: String,
    /// The reason as text.
    pub reason: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The time of the first attempt.
    pub first_at: Timestamp,
    /// The time of the last attempt.
    pub last_at: Timestamp,
    /// The message as it was received.
    pub body: String,
}

impl Delayed {
    /// Returns the row of a message that a consumer will get `delay` after `now`, under a key that begins with the message's id.
    pub(crate) fn new(
        consumer: &str,
        key: &str,
        body: &str,
        history: AttemptHistory,
        (now, delay): (Timestamp, Duration),
        reason: &str,
    ) -> Self {
        Self {
            pk: delayed_pk(consumer),
            sk: key.to_owned(),
            body: body.to_owned(),
            attempts: history.attempts,
            first_at: history.first_at,
            due: now.plus(delay),
            delay_ms: Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            reason: reason.to_owned(),
        }
    }

    /// Returns the message's id.
    pub fn id(&self) -> &str {
        id_in(&self.sk)
    }

    /// Returns when the message is due by a clock that says `now`. A clock that was set back since the row was written, perhaps before a
    /// restart, would have it wait far longer than it was delayed.
    pub(crate) fn due_by(&self, now: Timestamp, longest: Duration) -> Timestamp {
        let delay = self.delay_ms.map_or(longest, Duration::from_millis);
        self.due.min(now.plus(delay))
    }

    /// Returns the range key: the message's id, and for a replayed message `#` and a UUID, since another message with the same id may be
    /// delayed as well.
    pub(crate) fn key(&self) -> &str {
        &self.sk
    }
}

impl DeadLetterRow {
    /// Returns the dead letter of a consumer.
    pub(crate) fn into_letter(self, consumer: &str) -> DeadLetter {
        DeadLetter {
            id: self.sk,
            consumer: consumer.to_owned(),
            code: self.code,
            reason: self.reason,
            attempts: self.attempts,
            first_at: Some(self.first_at),
            last_at: Some(self.last_at),
            body: self.body,
        }
    }

    /// Creates the row of a dead letter.
    pub(crate) fn new(letter: &DeadLetter) -> Self {
        Self {
            pk: dead_pk(&letter.consumer),
            sk: letter.id.clone(),
            code: letter.code.clone(),
            reason: letter.reason.clone(),
            attempts: letter.attempts,
            first_at: letter.first_at.unwrap_or_else(Timestamp::now),
            last_at: letter.last_at.unwrap_or_else(Timestamp::now),
            body: letter.body.clone(),
        }
    }

    /// Returns the message's id.
    pub fn id(&self) -> &str {
        &self.sk
    }
}

/// The table `runtime` of a store.
#[derive(Debug, Clone)]
pub struct RuntimeTable {
    store: Store,
    table: Table,
}

impl RuntimeTable {
    /// Returns the table `runtime` of this store.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&RUNTIME) }
    }

    /// Returns where the tables and their streams are.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &**self.store.backend()
    }

    /// Reads the cursor of a stream and counts this start.
    pub(crate) async fn start_from(&self, stream: &str) -> Result<CursorRow, StoreError> {
        let found: Option<CursorRow> = self.table.get(self.table.key_with_range("cursor", stream)).await?;
        let Some(mut cursor) = found else {
            let cursor = cursor_row(stream, None, 0);
            self.save(&cursor).await?;
            return Ok(cursor);
        };
        cursor.starts = cursor.starts.saturating_add(1);
        self.save(&cursor).await?;
        Ok(cursor)
    }

    /// Stores the cursor of a stream, with no starts counted.
    pub(crate) async fn save_cursor(&self, stream: &str, after: Option<Position>) -> Result<(), StoreError> {
        self.save(&cursor_row(stream, after, 0)).await
    }

    async fn save(&self, cursor: &CursorRow) -> Result<(), StoreError> {
        self.store.write(Write::put(&self.table, cursor)?).await.map_err(unconditional)
    }

    /// Returns the cursor of each table's stream, with the table's full name. Streams without a position are left out.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn cursors(&self) -> Result<Vec<(String, Position)>, StoreError> {
        let rows: Vec<CursorRow> = self.table.get_collection("cursor").await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.sk, row.after?))).collect())
    }

    /// Returns the delayed messages of a consumer.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn delayed(&self, consumer: &str) -> Result<Vec<Delayed>, StoreError> {
        self.table.get_collection(&delayed_pk(consumer)).await
    }

    /// Passes the delayed messages of a consumer to `visit`, without having all of them in memory at once.
    pub(crate) async fn visit_delayed(
        &self,
        consumer: &str,
        visit: impl FnMut(Delayed),
    ) -> Result<(), StoreError> {
        self.table.visit_collection(&delayed_pk(consumer), visit).await
    }

    /// Returns those delayed messages of a consumer that have one of these keys.
    pub(crate) async fn delayed_with_keys(
        &self,
        consumer: &str,
        keys: impl Iterator<Item = &str>,
    ) -> Result<Vec<Delayed>, StoreError> {
        let pk = delayed_pk(consumer);
        self.table.get_all(keys.map(|key| self.table.key_with_range(pk.as_str(), key)).collect()).await
    }

    /// Returns the dead letters of a consumer.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetterRow>, StoreError> {
        self.table.get_collection(&dead_pk(consumer)).await
    }

    /// Replaces the bodies of delayed messages, each by the body under its own. Returns how many changed.
    pub(crate) async fn rewrite_delayed(
        &self,
        consumer: &str,
        replacements: &HashMap<String, String>,
    ) -> Result<usize, StoreError> {
        let mut changed = 0;
        for row in self.delayed(consumer).await? {
            let Some(body) = replacements.get(&row.body) else { continue };
            let update =
                Write::update(&self.table, self.table.key_with_range(delayed_pk(consumer), row.key()));
            let (former, body) = (Value::S(row.body), Value::S(body.clone()));
            // Unless the message is done meanwhile, or delayed again with another body.
            match self.store.write(update.set("body", body).if_equals("body", former)).await {
                Ok(()) => changed += 1,
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => return Err(error),
            }
        }
        Ok(changed)
    }

    pub(crate) fn write_delayed(&self, row: &Delayed) -> Result<Write, StoreError> {
        Write::put(&self.table, row)
    }

    pub(crate) fn delete_delayed(&self, consumer: &str, key: &str) -> Write {
        Write::delete(&self.table, self.table.key_with_range(delayed_pk(consumer), key))
    }

    pub(crate) fn write_dead_letter(&self, row: &DeadLetterRow) -> Result<Write, StoreError> {
        Write::put(&self.table, row)
    }

    pub(crate) async fn write_each(&self, writes: Vec<Write>) -> Vec<Result<(), StoreError>> {
        let outcomes = self.store.write_each(writes).await;
        outcomes.into_iter().map(|outcome| outcome.map_err(unconditional)).collect()
    }

    /// Returns a dead-letter queue that stores its letters in this table.
    pub fn dead_letter_queue(&self) -> impl DeadLetterQueue + use<> {
        TableDeadLetterQueue(self.clone())
    }
}

struct TableDeadLetterQueue(RuntimeTable);

#[async_trait]
impl DeadLetterQueue for TableDeadLetterQueue {
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        let write = self.0.write_dead_letter(&DeadLetterRow::new(&letter));
        let write = write.map_err(|error| DeadLetterError(error.to_string()))?;
        self.0.store.write(write).await.map_err(|error| DeadLetterError(error.to_string()))
    }
}

fn cursor_row(stream: &str, after: Option<Position>, starts: u32) -> CursorRow {
    CursorRow { pk: "cursor".to_owned(), sk: stream.to_owned(), after, starts }
}

/// Returns the message's id in the key of a delayed message.
pub(crate) fn id_in(key: &str) -> &str {
    key.split_once('#').map_or(key, |(id, _)| id)
}

fn delayed_pk(consumer: &str) -> String {
    format!("{DELAYED_PREFIX}{consumer}")
}

fn dead_pk(consumer: &str) -> String {
    format!("dead#{consumer}")
}

fn unconditional(error: WriteError) -> StoreError {
    match error {
        WriteError::Store(error) => error,
        WriteError::ConditionFailed(_) => StoreError::Shape {
            table: RUNTIME.name.to_owned(),
            message: "the store reports a failed condition for a write that has none".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
