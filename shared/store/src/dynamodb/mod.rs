//! The store that is reached over the AWS SDK: DynamoDB on AWS, or what speaks its protocol. No other module names the SDK.

mod administration;
mod error;
mod expression;
mod independent;
mod read;
mod schema;
mod streams;
mod transaction;
mod value;
mod write;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use orderflow_store_port::{
    Backend, Item, Page, Position, Query, Replacement, StoreError, StreamError, StreamReader, TableRef,
    TableState, TransactError, Write, WriteError,
};
use tokio::sync::watch;

use administration::{Administration, Administrator};
pub use independent::IndependentWrites;

/// The authentication scheme of unsigned requests.
const NO_AUTH: AuthSchemeId = AuthSchemeId::new("noAuth");

/// DynamoDB, as a backend.
#[derive(Clone)]
pub struct DynamoDb {
    client: Client,
    independent_writes: IndependentWrites,
    administration: Option<Arc<dyn Administration>>,
    remnants: Option<Arc<dyn Remnants>>,
}

/// Erases what the store behind the protocol keeps of values that were overwritten. DynamoDB's protocol has no operations for it.
#[async_trait]
pub trait Remnants: Send + Sync + 'static {
    /// Replaces addresses in the records of streams that are still kept.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer or cannot write.
    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError>;

    /// Erases freed space and logs of the store.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer or cannot write.
    async fn erase(&self) -> Result<(), StoreError>;
}

impl DynamoDb {
    /// Returns the backend of functions on Lambda. It reads and writes, but creates no tables and opens no streams, so that the bundles do not
    /// contain the code for that.
    pub fn for_functions(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            independent_writes: IndependentWrites::Concurrent,
            administration: None,
            remnants: None,
        }
    }

    /// Returns the backend of a program that uses DynamoDB, or an emulator, with these configurations of its API and of the API of its streams.
    pub fn on_aws(tables: &SdkConfig, streams: &SdkConfig) -> Self {
        let streams = aws_sdk_dynamodbstreams::Client::new(streams);
        Self::new(Client::new(tables), streams, IndependentWrites::Concurrent)
    }

    /// Returns the backend of a program that uses a local store that checks no signatures, so that requests are not signed. Independent writes go
    /// into one transaction, which costs it half of what single writes cost; DynamoDB bills twice as much for a transaction.
    pub fn unsigned(config: &SdkConfig) -> Self {
        let tables = aws_sdk_dynamodb::config::Builder::from(config);
        let tables = tables.allow_no_auth().auth_scheme_preference([NO_AUTH]).build();
        let streams = aws_sdk_dynamodbstreams::config::Builder::from(config);
        let streams = streams.allow_no_auth().auth_scheme_preference([NO_AUTH]).build();
        let streams = aws_sdk_dynamodbstreams::Client::from_conf(streams);
        Self::new(Client::from_conf(tables), streams, IndependentWrites::OneTransaction)
    }

    /// Returns the backend that uses these clients.
    pub fn new(
        client: Client,
        streams: aws_sdk_dynamodbstreams::Client,
        independent_writes: IndependentWrites,
    ) -> Self {
        let administration = Arc::new(Administrator::new(client.clone(), streams));
        Self { client, independent_writes, administration: Some(administration), remnants: None }
    }

    /// Adds what erases former values from the store behind the protocol.
    #[must_use]
    pub fn with_remnants(mut self, remnants: Arc<dyn Remnants>) -> Self {
        self.remnants = Some(remnants);
        self
    }

    fn administration(&self, operation: &'static str) -> Result<&dyn Administration, StoreError> {
        self.administration.as_deref().ok_or_else(|| StoreError::Request {
            operation,
            table: String::new(),
            code: "NotAvailable".to_owned(),
            message: "a function on Lambda only reads and writes items".to_owned(),
        })
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb")
            .field("independent_writes", &self.independent_writes)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for DynamoDb {
    async fn write(&self, write: &Write) -> Result<(), WriteError> {
        self.send(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TransactError> {
        self.send_transaction(writes).await
    }

    async fn write_each(&self, writes: &[Write]) -> Vec<Result<(), WriteError>> {
        self.send_each(writes).await
    }

    async fn get(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        self.read_item(table, key).await
    }

    async fn get_batch(&self, table: &TableRef, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.read_items(table, keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, StoreError> {
        self.read_query(query).await
    }

    async fn scan(&self, table: &TableRef, start_after: Option<Item>) -> Result<Page, StoreError> {
        self.read_table(table, start_after).await
    }

    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        self.administration("ListTables")?.list_tables().await
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        self.administration("DescribeTable")?.table_state(table).await
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        self.administration("CreateTable")?.create_missing(table).await
    }

    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        let administration = self.administration("ListStreams");
        let administration = administration
            .map_err(|error| StreamError { table: table.to_owned(), message: error.to_string() })?;
        administration.open_stream(table, after).await
    }

    fn changes(&self, _table: &str) -> Option<watch::Receiver<u64>> {
        None
    }

    async fn trim_stream(&self, _table: &str, _through: &Position) -> Result<u64, StreamError> {
        Ok(0)
    }

    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        match &self.remnants {
            Some(remnants) => remnants.replace_in_streams(replacements).await,
            None => Ok(()),
        }
    }

    async fn erase_remnants(&self) -> Result<(), StoreError> {
        match &self.remnants {
            Some(remnants) => remnants.erase().await,
            None => Ok(()),
        }
    }
}
