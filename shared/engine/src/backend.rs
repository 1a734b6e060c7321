//! The engine as a backend of the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orderflow_store_port::{
    Backend, Cancellation, Item, MAX_TRANSACTION_ACTIONS, Page, Position, Query, Replacement, StoreError,
    StreamBatch, StreamError, StreamReader, TableRef, TableState, TransactError, Write, WriteError,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::catalog::Table;
use crate::engine::{Engine, Inner, internal, table_names};
use crate::prepare::{self, Prepared, exact_key, operation_name, prepare, refused};
use crate::refusal::Refusal;
use crate::request::{Outcome, Request, StorageError, TRIM_BATCH};
use crate::{read, records, remnants, tables};

/// How long an erasure waits for the relays to trim the streams. They save their cursors every 50 ms, and those of other processes are read every
/// 2 s.
const TRIMMED_WITHIN: Duration = Duration::from_secs(5);

/// How often an erasure looks whether the streams are trimmed.
const TRIMMED_EVERY: Duration = Duration::from_millis(20);

#[async_trait]
impl Backend for Engine {
    async fn write(&self, write: &Write) -> Result<(), WriteError> {
        let operation = operation_name(write);
        let prepared = prepare(&self.inner.catalog, operation, write)?;
        let outcome = self.inner.commit(Request::Each(vec![prepared])).await;
        let outcomes = each(outcome).map_err(|error| internal(operation, &write.table.name, &error))?;
        outcomes.into_iter().next().unwrap_or(Ok(())).map_err(|refusal| write_error(write, refusal))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        const OPERATION: &str = "TransactWriteItems";
        let refused = |message: &str| refused(OPERATION, &table_names(writes), message.to_owned());
        if !(1..=MAX_TRANSACTION_ACTIONS).contains(&writes.len()) {
            return Err(refused(
                "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: \
                 Member must have length less than or equal to 100, and greater than or equal to 1",
            )
            .into());
        }
        let prepared: Vec<Prepared> = writes
            .iter()
            .map(|write| prepare(&self.inner.catalog, OPERATION, write))
            .collect::<Result<_, _>>()?;
        if has_repeated_item(&prepared) {
            return Err(refused("Transaction request cannot include multiple operations on one item").into());
        }
        match self.inner.commit(Request::Together(prepared)).await {
            Ok(Outcome::Together(outcome)) => outcome.map_err(|refusals| {
                if let Some(message) = refusals.iter().flatten().find_map(empty_key) {
                    return refused(message).into();
                }
                TransactError::Cancelled(refusals.into_iter().map(cancellation).collect())
            }),
            Ok(_) => Err(internal(OPERATION, &table_names(writes), &mismatch()).into()),
            Err(error) => Err(internal(OPERATION, &table_names(writes), &error).into()),
        }
    }

    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        let mut outcomes: Vec<Result<(), WriteError>> = Vec::with_capacity(writes.len());
        let (mut sent, mut positions) = (Vec::with_capacity(writes.len()), Vec::with_capacity(writes.len()));
        for (position, write) in writes.iter().enumerate() {
            outcomes.push(match prepare(&self.inner.catalog, operation_name(write), write) {
                Ok(prepared) => {
                    sent.push(prepared);
                    positions.push(position);
                    Ok(())
                }
                Err(error) => Err(error.into()),
            });
        }
        if sent.is_empty() {
            return outcomes;
        }
        match each(self.inner.commit(Request::Each(sent)).await) {
            Ok(found) => {
                for (position, outcome) in positions.into_iter().zip(found) {
                    outcomes[position] = outcome.map_err(|refusal| write_error(&writes[position], refusal));
                }
            }
            Err(error) => {
                for position in positions {
                    let write = &writes[position];
                    outcomes[position] =
                        Err(internal(operation_name(write), &write.table.name, &error).into());
                }
            }
        }
        outcomes
    }

    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        const OPERATION: &str = "GetItem";
        let found = self.inner.catalog.find(OPERATION, &table.name)?;
        let key =
            exact_key(&found, &key).map_err(|refusal| refused(OPERATION, &table.name, refusal.message()))?;
        self.inner
            .read(|connection| read::get(connection, &found, &key))
            .map_err(|error| internal(OPERATION, &table.name, &error))
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        const OPERATION: &str = "BatchGetItem";
        let found = self.inner.catalog.find(OPERATION, &table.name)?;
        let refused = |message| refused(OPERATION, &table.name, message);
        let mut distinct = std::collections::HashSet::with_capacity(keys.len());
        let mut wanted = Vec::with_capacity(keys.len());
        for key in &keys {
            let key = exact_key(&found, key).map_err(|refusal| refused(refusal.message()))?;
            if !distinct.insert(key.clone()) {
                return Err(refused("Provided list of item keys contains duplicates".to_owned()));
            }
            wanted.push(key);
        }
        self.inner
            .read(|connection| read::get_batch(connection, &found, &wanted))
            .map_err(|error| internal(OPERATION, &table.name, &error))
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        const OPERATION: &str = "Query";
        let table = self.inner.catalog.find(OPERATION, &query.table.name)?;
        self.inner
            .read(|connection| read::query(connection, &table, &query))
            .map_err(|error| internal(OPERATION, &table.name, &error))?
            .map_err(|message| refused(OPERATION, &table.name, message))
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        const OPERATION: &str = "Scan";
        let found = self.inner.catalog.find(OPERATION, &table.name)?;
        self.inner
            .read(|connection| read::scan(connection, &found, start_after.as_ref()))
            .map_err(|error| internal(OPERATION, &table.name, &error))?
            .map_err(|message| refused(OPERATION, &table.name, message))
    }

    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.inner.catalog.names())
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        let found = self.inner.catalog.get(&table.name);
        let (missing_indexes, missing_stream) = found.as_ref().map_or((Vec::new(), false), |found| {
            let (indexes, stream) = found.lacks(table.definition);
            (indexes.map(|index| index.name).collect(), stream)
        });
        Ok(TableState {
            name: table.name.to_string(),
            exists: found.is_some(),
            missing_indexes,
            missing_stream,
        })
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        let state = self.table_state(table).await?;
        if state.exists && state.missing_indexes.is_empty() && !state.missing_stream {
            return Ok(());
        }
        let wanted = table.clone();
        let created = self.inner.run(move |writer| tables::create_missing(writer, &wanted)).await;
        created.map_err(|error| internal("CreateTable", &table.name, &error))
    }

    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        let found = self.streaming(table)?;
        let after = after
            .iter()
            .map(|position| records::number_at(position).ok_or_else(|| not_a_position(table, position)));
        let after = after.collect::<Result<Vec<i64>, _>>()?.into_iter().max().unwrap_or(0);
        Ok(Box::new(Reader { inner: Arc::clone(&self.inner), table: found, after }))
    }

    fn changes(&self, table: &str) -> Option<watch::Receiver<u64>> {
        Some(self.inner.catalog.watch(table))
    }

    async fn trim_stream(&self, table: &str, through: &Position) -> Result<u64, StreamError> {
        let found = self.streaming(table)?;
        let through = records::number_at(through).ok_or_else(|| not_a_position(table, through))?;
        let mut removed = 0;
        loop {
            // Other writes are carried out between the batches.
            let trimmed = self.inner.commit(Request::Trim { table: found.id, through }).await;
            let batch = match trimmed {
                Ok(Outcome::Trimmed(batch)) => batch,
                Ok(_) => return Err(stream_error(table, &mismatch())),
                Err(error) => return Err(stream_error(table, &error)),
            };
            removed += batch;
            if batch < TRIM_BATCH {
                return Ok(removed);
            }
        }
    }

    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        let replacements = replacements.to_vec();
        let replaced =
            self.inner.run(move |writer| records::replace(&mut writer.connection, &replacements)).await;
        replaced.map(drop).map_err(|error| internal("ReplaceInStreams", "", &error))
    }

    async fn erase_remnants(&self) -> Result<(), StoreError> {
        let erased = match self.until_streams_are_trimmed().await {
            Ok(()) => self.inner.run(|writer| remnants::erase(&writer.connection)).await,
            Err(error) => Err(error),
        };
        erased.map_err(|error| internal("EraseRemnants", "", &error))
    }
}

impl Engine {
    /// Waits until the records that the streams have now are trimmed, [`TRIMMED_WITHIN`] at most: one that is trimmed after the database was
    /// rewritten leaves its values in the file.
    async fn until_streams_are_trimmed(&self) -> Result<(), StorageError> {
        let newest = self.inner.read(records::newest)?;
        let until = Instant::now() + TRIMMED_WITHIN;
        while Instant::now() < until
            && self.inner.read(|connection| records::has_any_up_to(connection, &newest))?
        {
            sleep(TRIMMED_EVERY).await;
        }
        Ok(())
    }

    fn streaming(&self, table: &str) -> Result<Arc<Table>, StreamError> {
        let found = self.inner.catalog.get(table).filter(|table| table.streams);
        found.ok_or_else(|| stream_error(table, &"the table has no stream"))
    }
}

/// Reads the records of one table's stream.
struct Reader {
    inner: Arc<Inner>,
    table: Arc<Table>,
    /// The number of the last record that was read.
    after: i64,
}

#[async_trait]
impl StreamReader for Reader {
    async fn read(&mut self) -> Result<Vec<StreamBatch>, StreamError> {
        let found = self
            .inner
            .read(|connection| records::read(connection, &self.table, self.after))
            .map_err(|error| stream_error(&self.table.name, &error))?;
        let Some((batch, last)) = found else { return Ok(Vec::new()) };
        self.after = last;
        Ok(vec![batch])
    }
}

fn each(outcome: Result<Outcome, StorageError>) -> Result<Vec<Result<(), Refusal>>, StorageError> {
    match outcome? {
        Outcome::Each(outcomes) => Ok(outcomes),
        Outcome::Together(_) | Outcome::Trimmed(_) => Err(mismatch()),
    }
}

fn mismatch() -> StorageError {
    StorageError::new("the writer answered another request")
}

fn write_error(write: &Write, refusal: Refusal) -> WriteError {
    match refusal {
        Refusal::Condition(item) => WriteError::ConditionFailed(item),
        Refusal::Invalid(message) | Refusal::EmptyKey(message) => {
            prepare::refused(operation_name(write), &write.table.name, message).into()
        }
    }
}

fn cancellation(refusal: Option<Refusal>) -> Cancellation {
    match refusal {
        None => Cancellation::None,
        Some(Refusal::Condition(item)) => Cancellation::ConditionFailed(item),
        Some(Refusal::Invalid(message) | Refusal::EmptyKey(message)) => {
            Cancellation::Other { code: "ValidationError".to_owned(), message }
        }
    }
}

fn empty_key(refusal: &Refusal) -> Option<&str> {
    match refusal {
        Refusal::EmptyKey(message) => Some(message),
        Refusal::Condition(_) | Refusal::Invalid(_) => None,
    }
}

fn has_repeated_item(writes: &[Prepared]) -> bool {
    let mut items: Vec<_> = writes
        .iter()
        .filter(|write| !write.key.hash.is_empty())
        .map(|write| (write.table, &write.key.hash, &write.key.range))
        .collect();
    items.sort_unstable();
    items.windows(2).any(|pair| pair[0] == pair[1])
}

fn not_a_position(table: &str, position: &Position) -> StreamError {
    let position = String::from(position.clone());
    stream_error(table, &format!("{position:?} is not a position of the stream"))
}

fn stream_error(table: &str, message: &impl ToString) -> StreamError {
    StreamError { table: table.to_owned(), message: message.to_string() }
}
