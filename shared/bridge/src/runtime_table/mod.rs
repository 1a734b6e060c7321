//! The table `runtime`: what a bridge has to remember. Cursors of streams, events that were put off, dead letters.

mod dead_letters;

use async_trait::async_trait;
use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLetter, DeadLetterError, DeadLetterQueue, body_id};
use orderflow_store::{Store, StoreError, Table, TableDefinition, Write, WriteError};
use serde::{Deserialize, Serialize};

use crate::Position;

/// Cursors under `cursor`, delayed events under `putoff#<consumer>`, dead letters under `dead#<consumer>`.
pub static RUNTIME: TableDefinition =
    TableDefinition { name: "runtime", hash: "pk", range: Some("sk"), indexes: &[], streams: false };

/// How far a stream was read, and how often the process has started since it got there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CursorRow {
    pk: String,
    sk: String,
    /// Everything up to this sequence number is dealt with; none where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
    /// Starts at this very position with something above it: whatever lies there was tried that often.
    pub starts: u32,
}

/// An event that has to come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delayed {
    pk: String,
    sk: String,
    /// The message.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: Timestamp,
    /// When it comes again.
    pub due: Timestamp,
    /// Why it was put off.
    pub reason: String,
}

/// A message that is out of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    pk: String,
    sk: String,
    /// A stable code.
    pub code: String,
    /// Why, for a person.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: Timestamp,
    /// When it was given up.
    pub last_at: Timestamp,
    /// The message as it came.
    pub body: String,
}

impl Delayed {
    /// A message of a consumer that has to come again, under a key that begins with its id.
    pub(crate) fn new(
        consumer: &str,
        key: &str,
        body: &str,
        tried: Tried,
        due: Timestamp,
        reason: &str,
    ) -> Self {
        Self {
            pk: delayed_pk(consumer),
            sk: key.to_owned(),
            body: body.to_owned(),
            attempts: tried.attempts,
            first_at: tried.first_at,
            due,
            reason: reason.to_owned(),
        }
    }

    /// The message's id.
    pub fn id(&self) -> &str {
        self.sk.split_once('#').map_or(&self.sk, |(id, _)| id)
    }

    /// The key of the row among those of its consumer: the id, and behind `#` what tells a replay from other messages with that id.
    pub(crate) fn key(&self) -> &str {
        &self.sk
    }
}

impl DeadLetterRow {
    /// A message of a consumer that is given up.
    pub(crate) fn new(consumer: &str, id: &str, body: &str, tried: Tried, code: &str, reason: &str) -> Self {
        Self {
            pk: dead_pk(consumer),
            sk: id.to_owned(),
            code: code.to_owned(),
            reason: reason.to_owned(),
            attempts: tried.attempts,
            first_at: tried.first_at,
            last_at: Timestamp::now(),
            body: body.to_owned(),
        }
    }

    /// The message's id.
    pub fn id(&self) -> &str {
        &self.sk
    }
}

/// How often a message was tried, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    pub attempts: u32,
    pub first_at: Timestamp,
}

/// The table `runtime` of a store.
#[derive(Debug, Clone)]
pub struct RuntimeTable {
    store: Store,
    table: Table,
}

impl RuntimeTable {
    /// The table of this store.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&RUNTIME) }
    }

    /// How far a stream was read; counts this start.
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

    /// Remembers how far a stream was read, and forgets the starts.
    pub(crate) async fn save_cursor(&self, stream: &str, after: Option<Position>) -> Result<(), StoreError> {
        self.save(&cursor_row(stream, after, 0)).await
    }

    async fn save(&self, cursor: &CursorRow) -> Result<(), StoreError> {
        self.store.write(Write::put(&self.table, cursor)?).await.map_err(unconditional)
    }

    /// How far each table's stream is dealt with, by the table's full name. A stream of which nothing is dealt with is not among them.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn cursors(&self) -> Result<Vec<(String, Position)>, StoreError> {
        let rows: Vec<CursorRow> = self.table.get_collection("cursor").await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.sk, row.after?))).collect())
    }

    /// The delayed events of a consumer.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn delayed(&self, consumer: &str) -> Result<Vec<Delayed>, StoreError> {
        self.table.get_collection(&delayed_pk(consumer)).await
    }

    /// The dead letters of a consumer.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetterRow>, StoreError> {
        self.table.get_collection(&dead_pk(consumer)).await
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

    /// A dead-letter queue in this table, for a consumer's messages.
    pub fn dead_letter_queue(&self, consumer: &'static str) -> impl DeadLetterQueue + use<> {
        TableDeadLetterQueue { runtime: self.clone(), consumer }
    }
}

struct TableDeadLetterQueue {
    runtime: RuntimeTable,
    consumer: &'static str,
}

#[async_trait]
impl DeadLetterQueue for TableDeadLetterQueue {
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        let id = body_id(&letter.body);
        let tried = Tried { attempts: letter.attempts, first_at: Timestamp::now() };
        let row = DeadLetterRow::new(self.consumer, &id, &letter.body, tried, &letter.code, &letter.reason);
        let write =
            self.runtime.write_dead_letter(&row).map_err(|error| DeadLetterError(error.to_string()))?;
        self.runtime.store.write(write).await.map_err(|error| DeadLetterError(error.to_string()))
    }
}

fn cursor_row(stream: &str, after: Option<Position>, starts: u32) -> CursorRow {
    CursorRow { pk: "cursor".to_owned(), sk: stream.to_owned(), after, starts }
}

fn delayed_pk(consumer: &str) -> String {
    format!("putoff#{consumer}")
}

fn dead_pk(consumer: &str) -> String {
    format!("dead#{consumer}")
}

fn unconditional(error: WriteError) -> StoreError {
    match error {
        WriteError::Store(error) => error,
        WriteError::ConditionFailed(_) => StoreError::Shape {
            table: RUNTIME.name.to_owned(),
            message: "a write without condition failed it".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
