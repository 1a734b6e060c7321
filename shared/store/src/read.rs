//! Reading items by their keys.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;
use serde::de::DeserializeOwned;

use crate::backoff::pause;
use crate::{Item, StoreError, Table};

/// The most keys that one `BatchGetItem` takes (AWS limit).
const MAX_BATCH_KEYS: usize = 100;

impl Table {
    /// The item with this key, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] where the request fails or the item has another shape.
    pub async fn get<T: DeserializeOwned>(&self, key: Item) -> Result<Option<T>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::request("GetItem", &self.name, &error))?;
        answer.item.map(|item| self.parse(item)).transpose()
    }

    /// The items that exist of these keys, as they are now, in no particular order. Keys must differ: the API refuses a request
    /// that asks twice for one.
    ///
    /// # Errors
    /// [`StoreError`] where a request fails or an item has another shape.
    pub async fn get_all<T: DeserializeOwned>(&self, keys: Vec<Item>) -> Result<Vec<T>, StoreError> {
        self.get_items(keys).await?.into_iter().map(|item| self.parse(item)).collect()
    }

    /// As [`get_all`](Self::get_all), for keys of items of several shapes.
    ///
    /// # Errors
    /// [`StoreError`] where a request fails.
    pub async fn get_items(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let batches = keys.chunks(MAX_BATCH_KEYS).map(|batch| self.get_batch(batch.to_vec()));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn get_batch(&self, mut keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut repetition = 0;
        while !keys.is_empty() {
            if repetition > 0 {
                pause(repetition).await;
            }
            repetition += 1;
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut keys)))
                .consistent_read(true)
                .build()
                .map_err(|e| StoreError::shape(&self.name, &e))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.name, wanted)
                .send()
                .await
                .map_err(|error| StoreError::request("BatchGetItem", &self.name, &error))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            // What did not fit into 16 MB, or was throttled, comes back unprocessed.
            keys.extend(answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys));
        }
        Ok(found)
    }

    /// All items under one hash key, in the order of their range keys.
    ///
    /// # Errors
    /// [`StoreError`] where a request fails or an item has another shape.
    pub async fn get_collection<T: DeserializeOwned>(&self, hash: &str) -> Result<Vec<T>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("#hash = :hash")
            .expression_attribute_names("#hash", self.definition.hash)
            .expression_attribute_values(":hash", crate::string(hash))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::request("Query", &self.name, &error))?;
            found.push(self.parse(item)?);
        }
        Ok(found)
    }

    /// Reads the shape that a service writes.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where the item has another.
    pub fn parse<T: DeserializeOwned>(&self, item: Item) -> Result<T, StoreError> {
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| StoreError::shape(&self.name, &error))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
