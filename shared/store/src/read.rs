//! Reads items by their keys, ranges of items, and whole tables. All reads are strongly consistent.

use std::ops::RangeInclusive;

use orderflow_store_port::{KeyRange, Page, Query};
use serde::de::DeserializeOwned;

use crate::shape::unreadable;
use crate::{Item, StoreError, Table, Value};

impl Table {
    /// Returns the item with this key.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails or the item has another shape.
    pub async fn get<T: DeserializeOwned>(&self, key: Item) -> Result<Option<T>, StoreError> {
        self.backend.get(&self.table, key).await?.map(|item| self.parse(item)).transpose()
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
        self.backend.get_batch(&self.table, keys).await
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
        self.visit(Query::new(&self.table, hash), visit).await
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
        let (first, last) = range.into_inner();
        let range = KeyRange::Between(first.to_owned(), last.to_owned());
        let mut found = Vec::new();
        self.visit(Query { range, ..Query::new(&self.table, hash) }, |item| found.push(item)).await?;
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
        let range_name =
            self.table.definition.range.expect("only tables with a range key are asked for pages");
        let range = after.map_or(KeyRange::All, |after| KeyRange::After(after.to_owned()));
        let query = Query { range, limit: Some(limit), ..Query::new(&self.table, hash) };
        let page = self.backend.query(query).await?;
        let next = match page.next.and_then(|mut key| key.remove(range_name)) {
            Some(Value::S(range)) => Some(range),
            _ => None,
        };
        let items = page.items.into_iter().map(|item| self.parse(item));
        Ok((items.collect::<Result<_, _>>()?, next))
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
        let mut query = Query { projection: Some(attribute.to_owned()), ..Query::new(&self.table, hash) };
        let mut found = Vec::new();
        loop {
            let page = self.backend.query(query.clone()).await?;
            let texts = page.items.into_iter().filter_map(|mut item| match item.remove(attribute) {
                Some(Value::S(text)) => Some(text),
                _ => None,
            });
            found.extend(texts);
            query.start_after = page.next;
            if found.len() >= limit || query.start_after.is_none() {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Returns a page of all items of the table, and the key with which the next page starts, if there is one. A scan reads and pays for the
    /// whole table; of the API, only exporting and forgetting a customer uses it.
    ///
    /// # Errors
    /// [`StoreError`] if the request fails.
    pub async fn scan(&self, from: Option<Item>) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let Page { items, next } = self.backend.scan(&self.table, from).await?;
        Ok((items, next))
    }

    async fn visit<T: DeserializeOwned>(
        &self,
        mut query: Query,
        mut visit: impl FnMut(T),
    ) -> Result<(), StoreError> {
        loop {
            let page = self.backend.query(query.clone()).await?;
            for item in page.items {
                visit(self.parse(item)?);
            }
            query.start_after = page.next;
            if query.start_after.is_none() {
                return Ok(());
            }
        }
    }

    /// Parses an item.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if the item has another shape.
    pub fn parse<T: DeserializeOwned>(&self, item: Item) -> Result<T, StoreError> {
        serde_dynamo::from_item(item).map_err(|error| unreadable(self.name(), &error))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
