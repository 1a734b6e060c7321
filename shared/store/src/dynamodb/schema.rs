//! How missing tables, indexes and streams are created.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, IndexStatus, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, TableStatus,
};
use orderflow_store_port::{IndexDefinition, StoreError, TableDefinition, TableRef, TableState};

use super::error::request_failed;

const POLL: Duration = Duration::from_millis(20);
const POLLS: usize = 3_000;

/// A table at DynamoDB, which may not be there or differ from its definition.
pub(super) struct DefinedTable<'a> {
    client: &'a Client,
    name: &'a str,
    definition: &'static TableDefinition,
}

impl<'a> DefinedTable<'a> {
    pub(super) fn new(client: &'a Client, table: &'a TableRef) -> Self {
        Self { client, name: &table.name, definition: table.definition }
    }

    pub(super) async fn state(&self) -> Result<TableState, StoreError> {
        let found = self.describe().await?;
        let missing = found.as_ref().map(|description| self.missing_indexes(description));
        Ok(TableState {
            name: self.name.to_owned(),
            exists: found.is_some(),
            missing_indexes: missing.into_iter().flatten().map(|index| index.name).collect(),
            missing_stream: found.is_some_and(|description| self.lacks_stream(&description)),
        })
    }

    pub(super) async fn create_missing(&self) -> Result<(), StoreError> {
        match self.describe().await? {
            None => self.create().await,
            Some(description) => self.complete(&description).await,
        }
    }

    /// Returns the table's description, or `None` if the table does not exist.
    async fn describe(&self) -> Result<Option<TableDescription>, StoreError> {
        match self.client.describe_table().table_name(self.name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(request_failed("DescribeTable", self.name, &error)),
        }
    }

    /// Adds missing indexes and the missing stream, and waits until changes by other processes are complete.
    async fn complete(&self, description: &TableDescription) -> Result<(), StoreError> {
        if !is_active(description) {
            self.wait_until_active().await?;
        }
        for index in self.missing_indexes(description) {
            self.add_index(index).await?;
        }
        if self.lacks_stream(description) {
            self.add_stream().await?;
        }
        Ok(())
    }

    fn lacks_stream(&self, description: &TableDescription) -> bool {
        self.definition.streams && !has_stream(description)
    }

    fn missing_indexes(&self, description: &TableDescription) -> Vec<&'static IndexDefinition> {
        let existing = description.global_secondary_indexes();
        let exists = |name| existing.iter().any(|index| index.index_name() == Some(name));
        self.definition.indexes.iter().filter(|index| !exists(index.name)).collect()
    }

    async fn create(&self) -> Result<(), StoreError> {
        let request = self
            .client
            .create_table()
            .table_name(self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(key_attributes(self.definition)?))
            .set_key_schema(Some(key_schema(self.definition.hash, self.definition.range)?))
            .set_global_secondary_indexes(global_indexes(self.definition)?)
            .stream_specification(self.stream()?);
        match request.send().await {
            Ok(_) => self.wait_until_active().await,
            // Another process that starts at the same time has just made this change.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {
                self.wait_until_active().await
            }
            Err(error) => Err(request_failed("CreateTable", self.name, &error)),
        }
    }

    async fn add_index(&self, index: &IndexDefinition) -> Result<(), StoreError> {
        let create = CreateGlobalSecondaryIndexAction::builder()
            .index_name(index.name)
            .set_key_schema(Some(key_schema(index.hash, Some(index.range))?))
            .projection(keys_only())
            .build()
            .map_err(|e| shape(self.name, &e))?;
        let update = self
            .client
            .update_table()
            .table_name(self.name)
            .set_attribute_definitions(Some(attributes(self.name, [index.hash, index.range])?))
            .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(create).build());
        match update.send().await {
            Ok(_) => self.wait_until_active().await,
            // Another process that starts at the same time has just made this change.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {
                self.wait_until_active().await
            }
            Err(error) => Err(request_failed("UpdateTable", self.name, &error)),
        }
    }

    async fn add_stream(&self) -> Result<(), StoreError> {
        let update = self.client.update_table().table_name(self.name).stream_specification(self.stream()?);
        match update.send().await {
            Ok(_) => self.wait_until_active().await,
            // Another process that starts at the same time has just made this change.
            Err(_) if self.describe().await?.is_some_and(|found| has_stream(&found)) => {
                self.wait_until_active().await
            }
            Err(error) => Err(request_failed("UpdateTable", self.name, &error)),
        }
    }

    fn stream(&self) -> Result<StreamSpecification, StoreError> {
        let stream = StreamSpecification::builder()
            .stream_enabled(self.definition.streams)
            .set_stream_view_type(self.definition.streams.then_some(StreamViewType::NewImage));
        stream.build().map_err(|e| shape(self.name, &e))
    }

    async fn wait_until_active(&self) -> Result<(), StoreError> {
        for _ in 0..POLLS {
            if self.describe().await?.is_some_and(|description| is_active(&description)) {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        Err(shape(self.name, &"the table did not become active within a minute"))
    }
}

fn has_stream(table: &TableDescription) -> bool {
    table.stream_specification().is_some_and(StreamSpecification::stream_enabled)
}

fn is_active(table: &TableDescription) -> bool {
    let mut indexes = table.global_secondary_indexes().iter();
    table.table_status() == Some(&TableStatus::Active)
        && indexes.all(|index| index.index_status() == Some(&IndexStatus::Active))
}

fn key_attributes(table: &TableDefinition) -> Result<Vec<AttributeDefinition>, StoreError> {
    let of_indexes = table.indexes.iter().flat_map(|index| [index.hash, index.range]);
    attributes(table.name, [Some(table.hash), table.range].into_iter().flatten().chain(of_indexes))
}

fn global_indexes(table: &TableDefinition) -> Result<Option<Vec<GlobalSecondaryIndex>>, StoreError> {
    let global = |index: &IndexDefinition| {
        GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(key_schema(index.hash, Some(index.range))?))
            .projection(keys_only())
            .build()
            .map_err(|e| shape(table.name, &e))
    };
    let indexes: Vec<_> = table.indexes.iter().map(global).collect::<Result<_, _>>()?;
    Ok((!indexes.is_empty()).then_some(indexes))
}

/// Returns the definitions of these key attributes, each once. DynamoDB refuses definitions of attributes that no key uses.
fn attributes(
    table: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> Result<Vec<AttributeDefinition>, StoreError> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let attribute = |name| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    names.into_iter().map(attribute).collect::<Result<_, _>>().map_err(|e| shape(table, &e))
}

fn keys_only() -> Projection {
    Projection::builder().projection_type(ProjectionType::KeysOnly).build()
}

fn key_schema(hash: &str, range: Option<&str>) -> Result<Vec<KeySchemaElement>, StoreError> {
    let element = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    std::iter::once(element(hash, KeyType::Hash))
        .chain(range.map(|range| element(range, KeyType::Range)))
        .collect::<Result<_, _>>()
        .map_err(|e| shape(hash, &e))
}

fn shape(table: &str, error: &impl ToString) -> StoreError {
    StoreError::Shape { table: table.to_owned(), message: error.to_string() }
}
