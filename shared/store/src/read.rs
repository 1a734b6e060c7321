//! Reads items by their keys, ranges of items, and whole tables. All reads are strongly consistent.

use std::ops::RangeInclusive;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::try_join_all;
use serde::de::DeserializeOwned;

use crate::contention::BUSY;
use crate::{Item, StoreError, Table};

/// The most keys that one `BatchGetItem` takes (AWS limit).
const MAX_BATCH_KEYS: usize = 100;

impl Table {
    /// Returns the item with this key.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails or the item has another shape.
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

    /// Returns those items of these keys that exist, in no particular order. The keys must differ: DynamoDB refuses a request with the same key
    /// twice.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails or an item has another shape.
    pub async fn get_all<T: DeserializeOwned>(&self, keys: Vec<Item>) -> Result<Vec<T>, StoreError> {
        self.get_items(keys).await?.into_iter().map(|item| self.parse(item)).collect()
    }

    /// Returns items like [`get_all`](Self::get_all), without parsing them, for keys of items of several shapes.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails.
    pub async fn get_items(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let batches = keys.chunks(MAX_BATCH_KEYS).map(|batch| self.get_batch(batch.to_vec()));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn get_batch(&self, mut keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut requests = BUSY.attempts(u32::MAX);
        while !keys.is_empty() && requests.next().await {
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
            // DynamoDB returns keys as unprocessed if their items did not fit into 16 MB or were throttled.
            keys.extend(answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys));
        }
        Ok(found)
    }

    /// Returns all items under one hash key, in the order of their range keys.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails or an item has another shape.
    pub async fn get_collection<T: DeserializeOwned>(&self, hash: &str) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.visit_collection(hash, |item| found.push(item)).await?;
        Ok(found)
    }

    /// Passes all items under one hash key to `visit`, in the order of their range keys. Only one page of them is in memory at a time.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails or an item has another shape; `visit` may have got some items then.
    pub async fn visit_collection<T: DeserializeOwned>(
        &self,
        hash: &str,
        visit: impl FnMut(T),
    ) -> Result<(), StoreError> {
        self.visit(self.collection(hash).key_condition_expression("#hash = :hash"), visit).await
    }

    /// Returns the items under one hash key whose range key is in `range`, in the order of their range keys.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails or an item has another shape.
    pub async fn get_range<T: DeserializeOwned>(
        &self,
        hash: &str,
        range: RangeInclusive<&str>,
    ) -> Result<Vec<T>, StoreError> {
        let range_name = self.definition.range.expect("only tables with a range key are asked for ranges");
        let query = self
            .collection(hash)
            .key_condition_expression("#hash = :hash AND #range BETWEEN :first AND :last")
            .expression_attribute_names("#range", range_name)
            .expression_attribute_values(":first", crate::string(*range.start()))
            .expression_attribute_values(":last", crate::string(*range.end()));
        let mut found = Vec::new();
        self.visit(query, |item| found.push(item)).await?;
        Ok(found)
    }

    /// Returns the next items under one hash key after a range key, in the order of their range keys: at most `limit`, and fewer if they are larger
    /// than one response (1 MB). If more may follow, also returns the range key after which they do.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails or an item has another shape.
    pub async fn get_page<T: DeserializeOwned>(
        &self,
        hash: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<String>), StoreError> {
        let range_name = self.definition.range.expect("only tables with a range key are asked for pages");
        let query = self.collection(hash).limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let query = match after {
            None => query.key_condition_expression("#hash = :hash"),
            Some(after) => query
                .key_condition_expression("#hash = :hash AND #range > :after")
                .expression_attribute_names("#range", range_name)
                .expression_attribute_values(":after", crate::string(after)),
        };
        let answer = query.send().await.map_err(|error| StoreError::request("Query", &self.name, &error))?;
        let last = answer.last_evaluated_key.and_then(|mut key| key.remove(range_name));
        let next = match last {
            Some(AttributeValue::S(range)) => Some(range),
            _ => None,
        };
        let items = answer.items.into_iter().flatten();
        Ok((items.map(|item| self.parse(item)).collect::<Result<_, _>>()?, next))
    }

    /// Returns one attribute of the items under one hash key, of at most `limit` items. Items without it, or with another type than text, are left
    /// out.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails.
    pub async fn get_texts(
        &self,
        hash: &str,
        attribute: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let query = self
            .collection(hash)
            .key_condition_expression("#hash = :hash")
            .projection_expression("#attribute")
            .expression_attribute_names("#attribute", attribute);
        let mut pages = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(item) = pages.next().await
        {
            let mut item = item.map_err(|error| StoreError::request("Query", &self.name, &error))?;
            if let Some(AttributeValue::S(text)) = item.remove(attribute) {
                found.push(text);
            }
        }
        Ok(found)
    }

    /// Returns a page of all items of the table, and the key with which the next page starts, if there is one. A scan reads and pays for the
    /// whole table; of the API, only exporting and forgetting a customer uses it.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails.
    pub async fn scan(&self, from: Option<Item>) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let scan = self.client.scan().table_name(&self.name).set_exclusive_start_key(from);
        let answer = scan.consistent_read(true).send().await;
        let page = answer.map_err(|error| StoreError::request("Scan", &self.name, &error))?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    fn collection(&self, hash: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.name)
            .expression_attribute_names("#hash", self.definition.hash)
            .expression_attribute_values(":hash", crate::string(hash))
            .consistent_read(true)
    }

    async fn visit<T: DeserializeOwned>(
        &self,
        query: QueryFluentBuilder,
        mut visit: impl FnMut(T),
    ) -> Result<(), StoreError> {
        let mut pages = query.into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::request("Query", &self.name, &error))?;
            visit(self.parse(item)?);
        }
        Ok(())
    }

    /// Parses an item.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if the item has another shape.
    pub fn parse<T: DeserializeOwned>(&self, item: Item) -> Result<T, StoreError> {
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| StoreError::unreadable(&self.name, &error))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
