//! A store that counts its requests, and whose requests a test makes fail, over any backend.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use orderflow_store_port::{
    Backend, Cancellation, Item, Page, Position, Query, Replacement, StoreError, StreamBatch, StreamError,
    StreamReader, TableRef, TableState, TransactError, Write, WriteError,
};
use tokio::sync::watch;

/// The fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Another request is writing the item. Nothing is written. A read has no conflicts.
    Conflict,
    /// The table's throughput is used up. Nothing is written.
    Throttled,
    /// The store cannot write, as on a full disk. Nothing is written.
    Unavailable,
    /// The write takes effect, and the answer does not arrive. A read has no answer.
    LostAnswer,
}

type Faults = dyn Fn(&Write) -> Option<WriteFault> + Send + Sync;
type RequestFaults = dyn Fn(usize) -> Option<WriteFault> + Send + Sync;

/// A backend that asks before each write, or each request, whether it fails. Clones share the faults and the count.
#[derive(Clone)]
pub struct FailingStore {
    backend: Arc<dyn Backend>,
    faults: Arc<RwLock<Option<Arc<Faults>>>>,
    requests: Arc<Requests>,
}

/// The requests since the last injection: reads and writes of items and streams.
#[derive(Default)]
struct Requests {
    count: AtomicUsize,
    faults: RwLock<Option<Arc<RequestFaults>>>,
}

impl Requests {
    /// Counts a request, and returns its fault.
    fn next(&self) -> Option<WriteFault> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner).clone();
        faults.and_then(|faults| faults(number))
    }
}

impl fmt::Debug for FailingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingStore").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl FailingStore {
    /// Returns the store, without faults.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, faults: Arc::default(), requests: Arc::default() }
    }

    /// Makes those writes fail for which `faults` returns a fault. Replaces the former faults.
    pub fn inject(&self, faults: impl Fn(&Write) -> Option<WriteFault> + Send + Sync + 'static) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(faults));
    }

    /// Makes those requests fail, reads included, for whose number `faults` returns a fault. They are counted from 0 from now on. Replaces the
    /// former faults of requests.
    pub fn inject_requests(&self, faults: impl Fn(usize) -> Option<WriteFault> + Send + Sync + 'static) {
        *self.requests.faults.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(faults));
        self.requests.count.store(0, Ordering::Relaxed);
    }

    /// Returns the number of requests since faults of requests were injected, or else since the store was opened.
    pub fn requests(&self) -> usize {
        self.requests.count.load(Ordering::Relaxed)
    }

    /// Lets all requests through again.
    pub fn stop_injecting(&self) {
        *self.requests.faults.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fault(&self, write: &Write) -> Option<WriteFault> {
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner).clone();
        faults.and_then(|faults| faults(write))
    }

    /// Counts a read, and returns its failure.
    fn read(&self, operation: &'static str, table: &TableRef) -> Result<(), StoreError> {
        match self.requests.next() {
            None | Some(WriteFault::Conflict) => Ok(()),
            Some(fault) => Err(failure(operation, table, fault)),
        }
    }
}

fn failure(operation: &'static str, table: &TableRef, fault: WriteFault) -> StoreError {
    let table = table.name.to_string();
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
        let fault = self.requests.next().or_else(|| self.fault(write));
        if matches!(fault, None | Some(WriteFault::LostAnswer)) {
            self.backend.write(write).await?;
        }
        fault.map_or(Ok(()), |fault| Err(failure("PutItem", &write.table, fault).into()))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        let of_request = self.requests.next();
        let faults: Vec<_> = writes.iter().map(|write| of_request.or_else(|| self.fault(write))).collect();
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
                Err(failure("TransactWriteItems", &write.table, fault).into())
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
        self.read("GetItem", table)?;
        self.backend.get(table, key).await
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.read("BatchGetItem", table)?;
        self.backend.get_batch(table, keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        self.read("Query", &query.table)?;
        self.backend.query(query).await
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        self.read("Scan", table)?;
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
        let reader = self.backend.open_stream(table, after).await?;
        Ok(Box::new(FailingReader { reader, table: table.to_owned(), requests: Arc::clone(&self.requests) }))
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

/// A stream that fails as its store does. A read that fails has read nothing.
struct FailingReader {
    reader: Box<dyn StreamReader>,
    table: String,
    requests: Arc<Requests>,
}

#[async_trait]
impl StreamReader for FailingReader {
    async fn read(&mut self) -> Result<Vec<StreamBatch>, StreamError> {
        match self.requests.next() {
            None | Some(WriteFault::Conflict) => self.reader.read().await,
            Some(fault) => Err(StreamError {
                table: self.table.clone(),
                message: format!("an injected fault: {fault:?}"),
            }),
        }
    }
}
