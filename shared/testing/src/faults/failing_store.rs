//! A store whose writes a test makes fail, over any backend.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use orderflow_store_port::{
    Backend, Cancellation, Item, Page, Position, Query, Replacement, StoreError, StreamError, StreamReader,
    TableRef, TableState, TransactError, Write, WriteError,
};
use tokio::sync::watch;

/// The fault of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Another request is writing the item. Nothing is written.
    Conflict,
    /// The table's throughput is used up. Nothing is written.
    Throttled,
    /// The store cannot write, as on a full disk. Nothing is written.
    Unavailable,
    /// The write takes effect, and the answer does not arrive.
    LostAnswer,
}

type Faults = dyn Fn(&Write) -> Option<WriteFault> + Send + Sync;

/// A backend that asks before each write whether it fails. Reads never fail. Clones share the faults.
#[derive(Clone)]
pub struct FailingStore {
    backend: Arc<dyn Backend>,
    faults: Arc<RwLock<Option<Arc<Faults>>>>,
}

impl fmt::Debug for FailingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingStore").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl FailingStore {
    /// Returns the store, without faults.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, faults: Arc::default() }
    }

    /// Makes those writes fail for which `faults` returns a fault. Replaces the former faults.
    pub fn inject(&self, faults: impl Fn(&Write) -> Option<WriteFault> + Send + Sync + 'static) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(faults));
    }

    /// Lets all writes through again.
    pub fn stop_injecting(&self) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fault(&self, write: &Write) -> Option<WriteFault> {
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner).clone();
        faults.and_then(|faults| faults(write))
    }
}

fn failure(operation: &'static str, write: &Write, fault: WriteFault) -> StoreError {
    let table = write.table.name.to_string();
    let code = match fault {
        WriteFault::Conflict => return StoreError::Conflict { table },
        WriteFault::Throttled => "ProvisionedThroughputExceededException",
        WriteFault::Unavailable => "InternalServerError",
        WriteFault::LostAnswer => "NoAnswer",
    };
    let message = "an injected fault".to_owned();
    StoreError::Request { operation, table, code: code.to_owned(), message }
}

#[async_trait]
impl Backend for FailingStore {
    async fn write(&self, write: &Write) -> Result<(), WriteError> {
        let fault = self.fault(write);
        if matches!(fault, None | Some(WriteFault::LostAnswer)) {
            self.backend.write(write).await?;
        }
        fault.map_or(Ok(()), |fault| Err(failure("PutItem", write, fault).into()))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        let faults: Vec<_> = writes.iter().map(|write| self.fault(write)).collect();
        let first = writes.iter().zip(&faults).find_map(|(write, fault)| Some((write, (*fault)?)));
        match first {
            None => self.backend.transact(writes).await,
            Some((_, WriteFault::Conflict)) => {
                let reason = |fault: &Option<WriteFault>| match fault {
                    Some(WriteFault::Conflict) => Cancellation::Conflict,
                    _ => Cancellation::None,
                };
                Err(TransactError::Cancelled(faults.iter().map(reason).collect()))
            }
            Some((write, fault)) => {
                if fault == WriteFault::LostAnswer {
                    self.backend.transact(writes).await?;
                }
                Err(failure("TransactWriteItems", write, fault).into())
            }
        }
    }

    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        let mut outcomes = Vec::new();
        for write in writes {
            outcomes.push(self.write(write).await);
        }
        outcomes
    }

    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        self.backend.get(table, key).await
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.backend.get_batch(table, keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        self.backend.query(query).await
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        self.backend.scan(table, start_after).await
    }

    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        self.backend.list_tables().await
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        self.backend.table_state(table).await
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        self.backend.create_missing(table).await
    }

    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        self.backend.open_stream(table, after).await
    }

    fn changes(&self, table: &str) -> Option<watch::Receiver<u64>> {
        self.backend.changes(table)
    }

    async fn trim_stream(&self, table: &str, through: &Position) -> Result<u64, StreamError> {
        self.backend.trim_stream(table, through).await
    }

    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        self.backend.replace_in_streams(replacements).await
    }

    async fn erase_remnants(&self) -> Result<(), StoreError> {
        self.backend.erase_remnants().await
    }
}
