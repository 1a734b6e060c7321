//! The store as one process sees it: the engine in memory, with the faults of the plan, and with a point before and after each request at which
//! the process can crash.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use orderflow_engine::Engine;
use orderflow_store_port::{
    Backend, Cancellation, Item, Operation, Page, Position, Query, Replacement, StoreError, StreamBatch,
    StreamError, StreamReader, TableRef, TableState, TransactError, Write, WriteError,
};
use serde_json::Value as Json;
use tokio::sync::watch;

use super::audit::evidence::{Change, Moment};
use super::crash::pause;
use super::fault::{FaultKind, Place};
use super::tables::{json_of, key_of, key_text};
use super::world::{Counted, World};

/// The faults of requests, in the order in which one is chosen if several are planned.
const FAULTS: [FaultKind; 4] = [
    FaultKind::StoreConflict,
    FaultKind::StoreThrottled,
    FaultKind::StoreUnavailable,
    FaultKind::StoreAnswerLost,
];

/// The items of all tables as they are now, by table and key.
type Images = Arc<Mutex<BTreeMap<String, Json>>>;

/// The store of a process.
#[derive(Debug, Clone)]
pub(super) struct SimulatedStore {
    engine: Engine,
    world: World,
    place: Place,
    images: Images,
    /// Whether independent writes are sent one after the other, as to DynamoDB, and not in one commit, as to the embedded store.
    sends_alone: bool,
}

impl SimulatedStore {
    pub(super) fn new(engine: Engine, world: World, sends_alone: bool) -> Self {
        Self { engine, world, place: Place::System, images: Images::default(), sends_alone }
    }

    /// Returns the same store as a process at another place sees it.
    pub(super) fn at(&self, place: Place) -> Self {
        Self { place, ..self.clone() }
    }

    /// Returns the fault of the next request.
    fn next_fault(&self) -> Option<FaultKind> {
        let number = self.world.count(Counted::StoreRequest, self.place);
        if self.world.is_failing(Counted::StoreRequest, self.place) {
            return Some(FaultKind::StoreUnavailable);
        }
        FAULTS.into_iter().find(|kind| self.world.planned(*kind, self.place, number).is_some())
    }

    /// Returns the failure of the next read, if it fails. A read has no conflict, and no answer that could be lost.
    fn read_fault(&self, operation: &'static str, table: &str) -> Result<(), StoreError> {
        match self.next_fault() {
            Some(kind @ (FaultKind::StoreThrottled | FaultKind::StoreUnavailable)) => {
                Err(self.fail(operation, table, kind))
            }
            _ => Ok(()),
        }
    }

    /// Records a write that took effect.
    async fn record(&self, write: &Write, at: Moment) {
        let key = match &write.operation {
            Operation::Put(item) => key_of(&write.table, item),
            Operation::Update { key, .. } | Operation::Delete { key } => key.clone(),
        };
        let new = match &write.operation {
            Operation::Put(item) => Some(json_of(item)),
            Operation::Delete { .. } => None,
            Operation::Update { .. } => {
                let found = self.engine.get(&write.table, key.clone()).await;
                found.ok().flatten().map(|item| json_of(&item))
            }
        };
        let name = key_text(&write.table, &key);
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let old = match &new {
            Some(new) => images.insert(name.clone(), new.clone()),
            None => images.remove(&name),
        };
        drop(images);
        let shown = new.as_ref().map_or_else(|| "deleted".to_owned(), Json::to_string);
        self.world.note(self.place, format_args!("wrote {name}: {shown}"));
        let table = write.table.definition.name.to_owned();
        self.world.record(|evidence| evidence.changes.push(Change { at, table, old, new }));
    }

    async fn write_now(&self, write: &Write) -> Result<(), WriteError> {
        let result = self.engine.write(write).await;
        if result.is_ok() {
            self.record(write, self.world.moment()).await;
        }
        result
    }

    async fn write_or_fail(&self, write: &Write) -> Result<(), WriteError> {
        let fault = self.next_fault();
        if is_carried_out(fault) {
            self.write_now(write).await?;
        }
        match fault {
            None => Ok(()),
            Some(kind) => Err(self.fail("PutItem", &write.table.name, kind).into()),
        }
    }

    async fn transact_now(&self, writes: &[Write]) -> Result<(), TransactError> {
        let result = self.engine.transact(writes).await;
        if result.is_ok() {
            let at = self.world.moment();
            for write in writes {
                self.record(write, at).await;
            }
        }
        result
    }

    async fn transact_or_fail(&self, writes: &[Write]) -> Result<(), TransactError> {
        let fault = self.next_fault();
        if is_carried_out(fault) {
            self.transact_now(writes).await?;
        }
        let table = writes.first().map_or("", |write| &*write.table.name);
        match fault {
            None => Ok(()),
            Some(FaultKind::StoreConflict) => {
                self.world.took_effect(FaultKind::StoreConflict, self.place);
                let others = std::iter::repeat_n(Cancellation::None, writes.len().saturating_sub(1));
                Err(TransactError::Cancelled(std::iter::once(Cancellation::Conflict).chain(others).collect()))
            }
            Some(kind) => Err(self.fail("TransactWriteItems", table, kind).into()),
        }
    }

    /// Counts a fault, and returns the error of its request.
    fn fail(&self, operation: &'static str, table: &str, kind: FaultKind) -> StoreError {
        self.world.took_effect(kind, self.place);
        failure(operation, table, kind)
    }

    /// Sends independent writes in one commit, except for those that fail.
    async fn write_together(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        let faults: Vec<Option<FaultKind>> = writes.iter().map(|_| self.next_fault()).collect();
        let sent: Vec<Write> = writes
            .iter()
            .zip(&faults)
            .filter(|(_, fault)| is_carried_out(**fault))
            .map(|(write, _)| write.clone())
            .collect();
        let results = self.engine.write_each(&sent).await;
        for (write, result) in sent.iter().zip(&results) {
            if result.is_ok() {
                self.record(write, self.world.moment()).await;
            }
        }
        let mut results = results.into_iter();
        let mut outcomes = Vec::with_capacity(writes.len());
        for (write, fault) in writes.iter().zip(faults) {
            let result = if is_carried_out(fault) { results.next().unwrap_or(Ok(())) } else { Ok(()) };
            outcomes.push(match fault {
                None => result,
                Some(kind) => result.and_then(|()| Err(self.fail("PutItem", &write.table.name, kind).into())),
            });
        }
        outcomes
    }
}

/// Returns whether a write with this fault takes effect.
fn is_carried_out(fault: Option<FaultKind>) -> bool {
    matches!(fault, None | Some(FaultKind::StoreAnswerLost))
}

fn failure(operation: &'static str, table: &str, kind: FaultKind) -> StoreError {
    let table = table.to_owned();
    let code = match kind {
        FaultKind::StoreConflict => return StoreError::Conflict { table },
        FaultKind::StoreThrottled => "ProvisionedThroughputExceededException",
        FaultKind::StoreAnswerLost => "NoAnswer",
        _ => "InternalServerError",
    };
    StoreError::Request { operation, table, code: code.to_owned(), message: "simulated".to_owned() }
}

#[async_trait]
impl Backend for SimulatedStore {
    async fn write(&self, write: &Write) -> Result<(), WriteError> {
        pause().await;
        let result = self.write_or_fail(write).await;
        pause().await;
        result
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        pause().await;
        let result = self.transact_or_fail(writes).await;
        pause().await;
        result
    }

    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        if !self.sends_alone {
            pause().await;
            let outcomes = self.write_together(writes).await;
            pause().await;
            return outcomes;
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            outcomes.push(self.write(write).await);
        }
        outcomes
    }

    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        pause().await;
        self.read_fault("GetItem", &table.name)?;
        let found = self.engine.get(table, key).await;
        pause().await;
        found
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        pause().await;
        self.read_fault("BatchGetItem", &table.name)?;
        let found = self.engine.get_batch(table, keys).await;
        pause().await;
        found
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        pause().await;
        self.read_fault("Query", &query.table.name)?;
        let found = self.engine.query(query).await;
        pause().await;
        found
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        pause().await;
        self.read_fault("Scan", &table.name)?;
        let found = self.engine.scan(table, start_after).await;
        pause().await;
        found
    }

    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        self.engine.list_tables().await
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        self.engine.table_state(table).await
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        self.engine.create_missing(table).await
    }

    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        let reader = self.engine.open_stream(table, after).await?;
        Ok(Box::new(SimulatedReader { reader, table: table.to_owned(), store: self.clone() }))
    }

    fn changes(&self, table: &str) -> Option<watch::Receiver<u64>> {
        self.engine.changes(table)
    }

    async fn trim_stream(&self, table: &str, through: &Position) -> Result<u64, StreamError> {
        pause().await;
        let trimmed = self.engine.trim_stream(table, through).await;
        self.world.note(self.place, format_args!("trimmed {table} through {}", through.sequence_number));
        trimmed
    }

    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        pause().await;
        let replaced = self.engine.replace_in_streams(replacements).await;
        pause().await;
        replaced
    }

    async fn erase_remnants(&self) -> Result<(), StoreError> {
        self.engine.erase_remnants().await
    }
}

/// A stream that fails as its store does. A read that fails has read nothing.
struct SimulatedReader {
    reader: Box<dyn StreamReader>,
    table: String,
    store: SimulatedStore,
}

#[async_trait]
impl StreamReader for SimulatedReader {
    async fn read(&mut self) -> Result<Vec<StreamBatch>, StreamError> {
        pause().await;
        let failed = self.store.read_fault("GetRecords", &self.table);
        failed.map_err(|error| StreamError { table: self.table.clone(), message: error.to_string() })?;
        let read = self.reader.read().await;
        pause().await;
        read
    }
}
