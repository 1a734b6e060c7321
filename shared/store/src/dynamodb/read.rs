//! Reads items by their keys, and pages of queries and scans. Reads of tables are strongly consistent; an index allows only eventually consistent
//! reads.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;
use orderflow_store_port::{Item, KeyRange, Page, Query, StoreError, TableRef, Value};

use super::DynamoDb;
use super::error::request_failed;
use super::value::{SdkItem, from_sdk, to_sdk};
use crate::contention::BUSY;

/// The most keys that one `BatchGetItem` takes (AWS limit).
const MAX_BATCH_KEYS: usize = 100;

impl DynamoDb {
    pub(super) async fn read_item(&self, table: &TableRef, key: Item) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&*table.name).set_key(Some(to_sdk(&key)));
        let answer = get.consistent_read(true).send().await;
        let answer = answer.map_err(|error| request_failed("GetItem", &table.name, &error))?;
        Ok(answer.item.map(from_sdk))
    }

    pub(super) async fn read_items(
        &self,
        table: &TableRef,
        keys: Vec<Item>,
    ) -> Result<Vec<Item>, StoreError> {
        let batches = keys.chunks(MAX_BATCH_KEYS);
        let batches = batches.map(|batch| self.read_batch(table, batch.iter().map(to_sdk).collect()));
        Ok(try_join_all(batches).await?.into_iter().flatten().map(from_sdk).collect())
    }

    async fn read_batch(&self, table: &TableRef, mut keys: Vec<SdkItem>) -> Result<Vec<SdkItem>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut requests = BUSY.attempts(u32::MAX);
        while !keys.is_empty() && requests.next().await {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut keys)))
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::Shape {
                    table: table.name.to_string(),
                    message: error.to_string(),
                })?;
            let answer = self.client.batch_get_item().request_items(&*table.name, wanted).send().await;
            let answer = answer.map_err(|error| request_failed("BatchGetItem", &table.name, &error))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            // DynamoDB returns keys as unprocessed if their items did not fit into 16 MB or were throttled.
            keys.extend(answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys));
        }
        Ok(found)
    }

    pub(super) async fn read_query(&self, query: Query) -> Result<Page, StoreError> {
        let definition = query.table.definition;
        let (hash_name, range_name) = match query.index {
            Some(index) => (index.hash, Some(index.range)),
            None => (definition.hash, definition.range),
        };
        let limit = query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let (condition, bounds) = key_condition(query.range);
        let mut request = self
            .client
            .query()
            .table_name(&*query.table.name)
            .set_index_name(query.index.map(|index| index.name.to_owned()))
            .key_condition_expression(condition)
            .expression_attribute_names("#hash", hash_name)
            .expression_attribute_values(":hash", Value::S(query.hash).into())
            .scan_index_forward(!query.descending)
            .consistent_read(query.index.is_none())
            .set_limit(limit)
            .set_exclusive_start_key(query.start_after.as_ref().map(to_sdk));
        if let Some(range_name) = range_name.filter(|_| !bounds.is_empty()) {
            request = request.expression_attribute_names("#range", range_name);
        }
        for (name, bound) in bounds {
            request = request.expression_attribute_values(name, Value::S(bound).into());
        }
        if let Some(attribute) = query.projection {
            request = request
                .projection_expression("#attribute")
                .expression_attribute_names("#attribute", attribute);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| request_failed("Query", &query.table.name, &error))?;
        Ok(page(answer.items, answer.last_evaluated_key))
    }

    pub(super) async fn read_table(
        &self,
        table: &TableRef,
        start_after: Option<Item>,
    ) -> Result<Page, StoreError> {
        let scan = self.client.scan().table_name(&*table.name);
        let scan = scan.set_exclusive_start_key(start_after.as_ref().map(to_sdk));
        let answer = scan.consistent_read(true).send().await;
        let answer = answer.map_err(|error| request_failed("Scan", &table.name, &error))?;
        Ok(page(answer.items, answer.last_evaluated_key))
    }
}

/// Returns the key condition expression, and the values that it names beside the hash key.
fn key_condition(range: KeyRange) -> (&'static str, Vec<(&'static str, String)>) {
    match range {
        KeyRange::All => ("#hash = :hash", Vec::new()),
        KeyRange::After(bound) => ("#hash = :hash AND #range > :after", vec![(":after", bound)]),
        KeyRange::Before(bound) => ("#hash = :hash AND #range < :before", vec![(":before", bound)]),
        KeyRange::Between(first, last) => {
            ("#hash = :hash AND #range BETWEEN :first AND :last", vec![(":first", first), (":last", last)])
        }
    }
}

fn page(items: Option<Vec<SdkItem>>, last: Option<SdkItem>) -> Page {
    Page { items: items.into_iter().flatten().map(from_sdk).collect(), next: last.map(from_sdk) }
}
