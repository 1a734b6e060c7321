//! The embedded database as a backend of the store: requests go through the AWS SDK as to DynamoDB, and what DynamoDB's protocol lacks goes to the
//! database itself.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_store::{DynamoDb, IndependentWrites};
use orderflow_store_port::{
    Backend, Item, Page, Position, Query, Replacement, StoreError, StreamError, StreamReader, TableRef,
    TableState, TransactError, Write, WriteError,
};
use tokio::sync::watch;

use crate::{Embedded, EmbeddedError};

impl Embedded {
    /// Returns the database as a backend of the store. Independent writes go into one transaction.
    #[must_use]
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(EmbeddedBackend::new(self.clone()))
    }
}

/// An embedded database behind the port.
#[derive(Debug)]
struct EmbeddedBackend {
    embedded: Embedded,
    dynamodb: DynamoDb,
}

impl EmbeddedBackend {
    fn new(embedded: Embedded) -> Self {
        let mode = IndependentWrites::OneTransaction;
        let dynamodb = DynamoDb::new(embedded.dynamodb(), embedded.streams(), mode);
        Self { embedded, dynamodb }
    }

    /// Works on a blocking thread, since it may take seconds.
    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Embedded) -> Result<R, EmbeddedError> + Send + 'static,
    ) -> Result<R, String> {
        let embedded = self.embedded.clone();
        let done = tokio::task::spawn_blocking(move || work(&embedded)).await;
        done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

fn failed(operation: &'static str) -> impl FnOnce(String) -> StoreError {
    move |message| StoreError::Request {
        operation,
        table: "every table".to_owned(),
        code: "InternalServerError".to_owned(),
        message,
    }
}

#[async_trait]
impl Backend for EmbeddedBackend {
    async fn write(&self, write: &Write) -> Result<(), WriteError> {
        self.dynamodb.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        self.dynamodb.transact(writes).await
    }

    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        self.dynamodb.write_each(writes).await
    }

    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        self.dynamodb.get(table, key).await
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.dynamodb.get_batch(table, keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        self.dynamodb.query(query).await
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        self.dynamodb.scan(table, start_after).await
    }

    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        self.dynamodb.list_tables().await
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        self.dynamodb.table_state(table).await
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        self.dynamodb.create_missing(table).await
    }

    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        self.dynamodb.open_stream(table, after).await
    }

    fn changes(&self, table: &str) -> Option<watch::Receiver<u64>> {
        Some(self.embedded.changes(table))
    }

    async fn trim_stream(&self, table: &str, through: &Position) -> Result<u64, StreamError> {
        let (name, number) = (table.to_owned(), through.sequence_number.clone());
        let trimmed = self.run(move |embedded| embedded.trim_stream(&name, &number)).await;
        trimmed.map_err(|message| StreamError { table: table.to_owned(), message })
    }

    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        let replacements = replacements.to_vec();
        let replaced = self.run(move |embedded| embedded.replace_in_streams(&replacements).map(drop)).await;
        replaced.map_err(failed("ReplaceInStreams"))
    }

    async fn erase_remnants(&self) -> Result<(), StoreError> {
        self.run(Embedded::erase_remnants).await.map_err(failed("EraseRemnants"))
    }
}
