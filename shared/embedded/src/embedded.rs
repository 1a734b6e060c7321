//! The handle to an embedded database.

use std::sync::Arc;

use tokio::sync::watch;

use crate::dispatch::Dispatch;
use crate::engine::Engine;
use crate::schema::TRIM_BATCH;
use crate::{EmbeddedError, FaultInjector, Replacement, RequestCounts, sdk, server};

/// A DynamoDB in this process. Clones and their clients share one database, which is closed when the last of them is dropped.
#[derive(Clone, Debug)]
pub struct Embedded {
    dispatch: Arc<Dispatch>,
    dynamodb: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
}

impl Embedded {
    /// Makes an empty database in memory, which is freed when the last of its clones and clients is dropped.
    ///
    /// # Errors
    /// [`EmbeddedError::UnexpectedSchema`] if the engine is not the version that this crate maintains; [`EmbeddedError::Sqlite`] or
    /// [`EmbeddedError::Engine`] if it cannot be opened.
    pub fn in_memory() -> Result<Self, EmbeddedError> {
        let dispatch = Dispatch::new(Engine::open()?);
        let (dynamodb, streams) = (sdk::dynamodb_client(&dispatch), sdk::streams_client(&dispatch));
        Ok(Self { dispatch, dynamodb, streams })
    }

    /// Returns a client of the tables. It needs no credentials, region or endpoint, and never retries.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.clone()
    }

    /// Returns a client of the tables' streams, configured like [`Self::dynamodb`].
    #[must_use]
    pub fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        self.streams.clone()
    }

    /// Returns a receiver that is notified of writes to a table. The table need not exist yet. The value counts successful write requests since
    /// the table was first watched.
    ///
    /// To miss no write, read the stream to its end, then await [`watch::Receiver::changed`], which returns at once if there was a write in
    /// between. It fails when the database is closed.
    #[must_use]
    pub fn changes(&self, table: &str) -> watch::Receiver<u64> {
        self.dispatch.changes.watch(table)
    }

    /// Deletes the records of a table's stream up to and including `through_sequence_number`, and returns how many it deleted. The newest
    /// record always stays, because the stream's numbering continues from it.
    ///
    /// # Errors
    /// [`EmbeddedError::Engine`] if the table has no stream or the number is not a sequence number; [`EmbeddedError::Sqlite`] if deleting
    /// fails. Records that were deleted before the error stay deleted.
    pub fn trim_stream(&self, table: &str, through_sequence_number: &str) -> Result<u64, EmbeddedError> {
        let through = self.dispatch.engine().stored_sequence_number(table, through_sequence_number)?;
        let mut removed = 0;
        loop {
            // The lock is released after each batch, so that requests can run in between.
            let batch = self.dispatch.engine().trim(table, through)?;
            removed += batch;
            if batch < TRIM_BATCH {
                return Ok(removed);
            }
        }
    }

    /// Replaces addresses in the stream records that are still kept, where an address is not part of a longer one. Returns how many records
    /// changed.
    ///
    /// # Errors
    /// [`EmbeddedError::Sqlite`] if writing fails. Then no record changed.
    pub fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<u64, EmbeddedError> {
        self.dispatch.engine().replace_in_streams(replacements)
    }

    /// Erases freed space and the write-ahead log, which hold values that were overwritten or deleted. Requests wait meanwhile: the whole
    /// database is rewritten, which takes about a second for each 100 MB.
    ///
    /// # Errors
    /// [`EmbeddedError::Engine`] or [`EmbeddedError::Sqlite`] if writing fails, for example because the disk is full. The data is unchanged.
    pub fn erase_remnants(&self) -> Result<(), EmbeddedError> {
        self.dispatch.engine().erase_remnants()
    }

    /// Returns the number of requests so far, by SDK client and over HTTP.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.dispatch.counters.snapshot()
    }

    /// Sets the injector that decides which requests fail. It replaces the previous one.
    pub fn inject(&self, injector: Arc<dyn FaultInjector>) {
        self.dispatch.faults.set(Some(injector));
    }

    /// Removes the injector.
    pub fn stop_injecting(&self) {
        self.dispatch.faults.set(None);
    }

    /// Returns a router that serves DynamoDB and DynamoDB Streams at `/`, for any AWS SDK that has the address of the
    /// server as its endpoint URL. Signatures are not checked, so the listener should be on loopback.
    pub fn router(&self) -> axum::Router {
        server::router(Arc::clone(&self.dispatch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_database_is_closed_with_the_last_clone_or_client() {
        let embedded = Embedded::in_memory().unwrap();
        let dispatch = Arc::downgrade(&embedded.dispatch);
        let client = embedded.clone().dynamodb();
        client.list_tables().send().await.unwrap();
        drop(embedded);
        client.list_tables().send().await.unwrap();
        drop(client);
        assert!(dispatch.upgrade().is_none());
    }
}
