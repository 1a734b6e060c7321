//! The trait of all backends.

use std::fmt::Debug;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Item, Page, Position, Query, StoreError, StreamError, StreamReader, TableRef, TableState, TransactError,
    Write, WriteError,
};

/// An address, and what takes its place.
pub type Replacement = (String, String);

/// A place where tables are stored. Tables are named by their full name; those of several prefixes can share one backend.
///
/// A write that is answered is seen by every later read of a table. Reads of indexes may lag behind, except in a store in this process.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// Carries out one write.
    ///
    /// # Errors
    /// [`WriteError::ConditionFailed`] if a condition does not hold; [`StoreError::Conflict`] if the item is in a transaction of another request;
    /// otherwise [`StoreError`]. Nothing is written then, unless only the answer was lost.
    async fn write(&self, write: &Write) -> Result<(), WriteError>;

    /// Carries out writes together or not at all: at most [`MAX_TRANSACTION_ACTIONS`](crate::MAX_TRANSACTION_ACTIONS), each of another item.
    ///
    /// # Errors
    /// [`TransactError::Cancelled`] if conditions do not hold or items are in other transactions, with an entry for each write;
    /// [`TransactError::Store`] if the request fails. Nothing is written then, unless only the answer was lost.
    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError>;

    /// Carries out writes that do not depend on each other, each of another item, in whichever way is the cheapest. Returns an outcome for each,
    /// in the order of the writes, with the errors of [`write`](Self::write).
    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>>;

    /// Returns the item with this key.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails.
    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError>;

    /// Returns those items of these keys that exist, in no particular order. The keys, of which there may be any number, must differ.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails.
    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError>;

    /// Returns a page of the items under one hash key.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails.
    async fn query(&self, query: Query) -> Result<Page, StoreError>;

    /// Returns a page of all items of a table, in no particular order. `start_after` is the [`Page::next`] of the page before.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails.
    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError>;

    /// Returns the full names of all tables, of every prefix.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    async fn list_tables(&self) -> Result<Vec<String>, StoreError>;

    /// Compares a table with its definition. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError>;

    /// Creates the table if it is missing, or adds missing indexes, with the items that the table has, and a missing stream. Deletes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the store refuses, or the table does not become active within a minute.
    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError>;

    /// Opens the stream of the table with this full name after these positions. A shard without a position is read from its oldest record on.
    ///
    /// # Errors
    /// [`StreamError`] if the table has no stream or the store does not answer.
    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError>;

    /// Returns a counter of the writes to the table with this full name, which need not exist yet, or `None` if the store is in another process.
    ///
    /// To miss no write, read the stream to its end, then await [`watch::Receiver::changed`], which returns at once if there was a write in
    /// between.
    fn changes(&self, table: &str) -> Option<watch::Receiver<u64>>;

    /// Deletes the records of a table's stream up to and including this position. Returns how many it deleted: none if the store deletes them by
    /// itself, as DynamoDB does after 24 hours.
    ///
    /// # Errors
    /// [`StreamError`] if the table has no stream, the position is not one of it, or the store does not answer.
    async fn trim_stream(&self, table: &str, through: &Position) -> Result<u64, StreamError>;

    /// Replaces addresses in the stream records that are still kept, where an address is not part of a longer one. A store whose records are not
    /// in reach does nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer or cannot write. Then no record changed.
    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError>;

    /// Erases freed space and logs of the store, which still hold former values. A store that has none in reach does nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer or cannot write. The data is unchanged.
    async fn erase_remnants(&self) -> Result<(), StoreError>;
}
