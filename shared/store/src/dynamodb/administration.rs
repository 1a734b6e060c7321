//! What programs do beside reading and writing: they list and create tables, and read streams.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use orderflow_store_port::{Position, StoreError, StreamError, StreamReader, TableRef, TableState};

use super::error::request_failed;
use super::schema::DefinedTable;
use super::streams::ShardedStream;

/// The operations of [`Backend`](orderflow_store_port::Backend) that functions on Lambda do not use.
#[async_trait]
pub(super) trait Administration: Send + Sync {
    async fn list_tables(&self) -> Result<Vec<String>, StoreError>;
    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError>;
    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError>;
    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError>;
}

/// Carries them out over the SDK.
pub(super) struct Administrator {
    client: Client,
    streams: aws_sdk_dynamodbstreams::Client,
}

impl Administrator {
    pub(super) fn new(client: Client, streams: aws_sdk_dynamodbstreams::Client) -> Self {
        Self { client, streams }
    }
}

#[async_trait]
impl Administration for Administrator {
    async fn list_tables(&self) -> Result<Vec<String>, StoreError> {
        let names = self.client.list_tables().into_paginator().items().send();
        let names: Result<_, _> = names.collect().await;
        names.map_err(|error| request_failed("ListTables", "", &error))
    }

    async fn table_state(&self, table: &TableRef) -> Result<TableState, StoreError> {
        DefinedTable::new(&self.client, table).state().await
    }

    async fn create_missing(&self, table: &TableRef) -> Result<(), StoreError> {
        DefinedTable::new(&self.client, table).create_missing().await
    }

    async fn open_stream(
        &self,
        table: &str,
        after: Vec<Position>,
    ) -> Result<Box<dyn StreamReader>, StreamError> {
        Ok(Box::new(ShardedStream::open(self.streams.clone(), table, after).await?))
    }
}
