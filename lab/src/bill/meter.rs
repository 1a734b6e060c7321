//! A backend that counts what DynamoDB would bill for the requests that it passes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use orderflow_store_port::{
    Backend, Item, Operation, Page, Position, Query, Replacement, StoreError, StreamError, StreamReader,
    TableRef, TableState, TransactError, Write, WriteError,
};
use tokio::sync::watch;

use super::units::{Units, item_size, read_units, write_units};

/// What was counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metered {
    pub writes: Units,
    pub reads: Units,
    /// The number of requests.
    pub requests: u64,
    /// The time that they took here, with the reads that only count.
    pub time: Duration,
}

/// Counts requests, and passes them on. The images that a write replaces are read around it, so only one request may run at a time where the
/// figures have to be exact.
#[derive(Debug)]
pub(crate) struct Meter {
    inner: Arc<dyn Backend>,
    metered: Mutex<Metered>,
}

impl Meter {
    pub(crate) fn new(inner: Arc<dyn Backend>) -> Self {
        Self { inner, metered: Mutex::default() }
    }

    fn metered(&self) -> MutexGuard<'_, Metered> {
        // No code panics while it holds the lock.
        self.metered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was counted since the last call.
    pub(crate) fn take(&self) -> Metered {
        std::mem::take(&mut *self.metered())
    }

    async fn image(&self, write: &Write) -> Option<Item> {
        let key = match &write.operation {
            Operation::Put(item) => key_of(&write.table, item),
            Operation::Update { key, .. } | Operation::Delete { key } => key.clone(),
        };
        self.inner.get(&write.table, key).await.ok().flatten()
    }

    async fn images(&self, writes: &[Write]) -> Vec<Option<Item>> {
        let mut images = Vec::with_capacity(writes.len());
        for write in writes {
            images.push(self.image(write).await);
        }
        images
    }

    /// Counts writes, given the items before them. `factor` is 2 for a transaction. Writes that failed are billed too.
    async fn count_writes(&self, writes: &[Write], before: &[Option<Item>], factor: f64) {
        let after = self.images(writes).await;
        let mut metered = self.metered();
        for ((write, before), after) in writes.iter().zip(before).zip(&after) {
            let definition = write.table.definition;
            for (place, units) in write_units(definition, before.as_ref(), after.as_ref()) {
                // Indexes are updated after the transaction, by ordinary writes.
                let factor = if place == definition.name { factor } else { 1.0 };
                *metered.writes.entry(place).or_default() += units * factor;
            }
        }
    }

    fn count_read(&self, place: String, units: f64) {
        *self.metered().reads.entry(place).or_default() += units;
    }

    /// Counts a request that is answered.
    fn count_request(&self, started: Instant) {
        let mut metered = self.metered();
        metered.requests += 1;
        metered.time += started.elapsed();
    }
}

fn key_of(table: &TableRef, item: &Item) -> Item {
    let names = std::iter::once(table.definition.hash).chain(table.definition.range);
    names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

#[async_trait]
impl Backend for Meter {
    async fn write(&self, write: &Write) -> Result<(), WriteError> {
        let started = Instant::now();
        let writes = std::slice::from_ref(write);
        let before = self.images(writes).await;
        let result = self.inner.write(write).await;
        self.count_writes(writes, &before, 1.0).await;
        self.count_request(started);
        result
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        let started = Instant::now();
        let before = self.images(writes).await;
        let result = self.inner.transact(writes).await;
        self.count_writes(writes, &before, 2.0).await;
        self.count_request(started);
        result
    }

    /// Sends each write alone, as DynamoDB gets them. They are sent at the same time, so they count as one request in a sequence of requests.
    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        let started = Instant::now();
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            let one = std::slice::from_ref(write);
            let before = self.images(one).await;
            results.push(self.inner.write(write).await);
            self.count_writes(one, &before, 1.0).await;
        }
        if !writes.is_empty() {
            self.count_request(started);
        }
        results
    }

    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        let started = Instant::now();
        let found = self.inner.get(table, key).await?;
        self.count_request(started);
        self.count_read(table.definition.name.to_owned(), read_units(found.as_ref().map_or(0, item_size)));
        Ok(found)
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let asked = keys.len();
        let started = Instant::now();
        let found = self.inner.get_batch(table, keys).await?;
        self.count_request(started);
        // A key without an item costs one unit.
        let missing = asked.saturating_sub(found.len()) as f64;
        let units: f64 = found.iter().map(|item| read_units(item_size(item))).sum();
        self.count_read(table.definition.name.to_owned(), units + missing);
        Ok(found)
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        let name = query.table.definition.name;
        // Indexes are read eventually consistently.
        let (place, factor) = match query.index {
            None => (name.to_owned(), 1.0),
            Some(index) => (format!("{name}/{}", index.name), 0.5),
        };
        let started = Instant::now();
        let page = self.inner.query(query).await?;
        self.count_request(started);
        self.count_read(place, read_units(page.items.iter().map(item_size).sum()) * factor);
        Ok(page)
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        let started = Instant::now();
        let page = self.inner.scan(table, start_after).await?;
        self.count_request(started);
        let size = page.items.iter().map(item_size).sum();
        self.count_read(table.definition.name.to_owned(), read_units(size));
        Ok(page)
    }

    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        self.inner.list_tables().await
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        self.inner.table_state(table).await
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        self.inner.create_missing(table).await
    }

    // Lambda reads the streams of its triggers without charge.
    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        self.inner.open_stream(table, after).await
    }

    fn changes(&self, table: &str) -> Option<watch::Receiver<u64>> {
        self.inner.changes(table)
    }

    async fn trim_stream(&self, table: &str, through: &Position) -> Result<u64, StreamError> {
        self.inner.trim_stream(table, through).await
    }

    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        self.inner.replace_in_streams(replacements).await
    }

    async fn erase_remnants(&self) -> Result<(), StoreError> {
        self.inner.erase_remnants().await
    }
}
