//! The handle to an embedded database.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::dispatch::Dispatch;
use crate::engine::Engine;
use crate::schema::TRIM_BATCH;
use crate::{EmbeddedError, FaultInjector, Location, RequestCounts, sdk, server};

/// A DynamoDB in this process. Clones and their clients share one database, which is closed with the last of them.
#[derive(Clone, Debug)]
pub struct Embedded {
    dispatch: Arc<Dispatch>,
    dynamodb: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
}

impl Embedded {
    /// Opens the database, or makes an empty one.
    ///
    /// # Errors
    /// [`EmbeddedError::InUse`] when the directory is open elsewhere; [`EmbeddedError::NewerDataDirectory`] and
    /// [`EmbeddedError::ForeignDatabase`] when the data is not this version's, which leaves it untouched;
    /// [`EmbeddedError::Directory`], [`EmbeddedError::Sqlite`] and others when it cannot be used.
    pub fn open(location: Location) -> Result<Self, EmbeddedError> {
        let dispatch = Dispatch::new(Engine::open(&location)?);
        Ok(Self {
            dynamodb: sdk::dynamodb_client(&dispatch),
            streams: sdk::streams_client(&dispatch),
            dispatch,
        })
    }

    /// A client of the tables. It needs no credentials, region or endpoint, and never retries.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.clone()
    }

    /// A client of the tables' streams, made like [`Self::dynamodb`].
    #[must_use]
    pub fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        self.streams.clone()
    }

    /// Tells of writes to a table, which need not exist yet. The value counts successful write requests since the table
    /// was first watched.
    ///
    /// Read the stream to its end, then await [`watch::Receiver::changed`]: a write in between makes that return at
    /// once. It fails when the database is closed.
    #[must_use]
    pub fn changes(&self, table: &str) -> watch::Receiver<u64> {
        self.dispatch.changes.watch(table)
    }

    /// Removes the records of a table's stream up to and including `through_sequence_number` (as stream records carry
    /// it) and returns how many those were. The newest record always stays, since the numbering of the stream goes on
    /// from it.
    ///
    /// # Errors
    /// [`EmbeddedError::Engine`] when the table has no stream or the number is none of a stream;
    /// [`EmbeddedError::Sqlite`] when deleting fails. What was removed until then stays removed.
    pub fn trim_stream(&self, table: &str, through_sequence_number: &str) -> Result<u64, EmbeddedError> {
        let through = self.dispatch.engine().stored_sequence_number(table, through_sequence_number)?;
        let mut removed = 0;
        loop {
            // The lock is taken anew for each batch, to let requests in between.
            let batch = self.dispatch.engine().trim(table, through)?;
            removed += batch;
            if batch < TRIM_BATCH {
                return Ok(removed);
            }
        }
    }

    /// How many requests were made so far, by whatever way.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.dispatch.counters.snapshot()
    }

    /// From now on lets `injector` decide which requests fail, instead of the one before.
    pub fn inject(&self, injector: Arc<dyn FaultInjector>) {
        self.dispatch.faults.set(Some(injector));
    }

    /// Ends what [`Self::inject`] began.
    pub fn stop_injecting(&self) {
        self.dispatch.faults.set(None);
    }

    /// DynamoDB and DynamoDB Streams as routes at `/`, for those who serve more than that. As with [`Self::serve`],
    /// signatures are not checked.
    pub fn router(&self) -> axum::Router {
        server::router(Arc::clone(&self.dispatch))
    }

    /// Serves DynamoDB and DynamoDB Streams over HTTP until `shutdown` resolves and the requests in hand are answered.
    /// Any AWS SDK with this address as endpoint URL can use it. Signatures are not checked: listen on loopback.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        server::serve(Arc::clone(&self.dispatch), listener, shutdown).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_database_is_closed_with_the_last_clone_or_client() {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let dispatch = Arc::downgrade(&embedded.dispatch);
        let client = embedded.clone().dynamodb();
        client.list_tables().send().await.unwrap();
        drop(embedded);
        client.list_tables().send().await.unwrap();
        drop(client);
        assert!(dispatch.upgrade().is_none());
    }
}
