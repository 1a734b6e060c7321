//! Connects to the store.

use aws_sdk_dynamodb::Client;
use orderflow_settings::declared::PREFIX;
use orderflow_settings::{NotAllowed, Reader};

use crate::{IndependentWrites, Store, StoreError, Table, string};

/// The most letters of a prefix: the name of an SQS queue has at most 80 in all.
const MAX_PREFIX: usize = 40;

/// The key of the probe item.
const PROBE: &str = "health";

/// Reads `ORDERFLOW_PREFIX`, the prefix of the names of tables, topics and queues.
pub fn read_prefix(reader: &mut Reader<'_>) -> String {
    reader.value(&PREFIX, |text| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
        let text = text.trim();
        if text.len() <= MAX_PREFIX && text.chars().all(is_allowed) {
            Ok(text.to_owned())
        } else {
            Err(NotAllowed)
        }
    })
}

impl Store {
    /// Opens the tables with this prefix on DynamoDB.
    pub fn on_dynamodb(config: &aws_config::SdkConfig, prefix: impl Into<String>) -> Self {
        Self::new(Client::new(config), prefix, IndependentWrites::Concurrent)
    }
}

impl Table {
    /// Reads an item that does not exist, to check that the table answers and to open the connection.
    ///
    /// # Errors
    /// [`StoreError`] if the table does not answer.
    pub async fn touch(&self) -> Result<(), StoreError> {
        let key = match self.definition.range {
            None => self.key("-"),
            Some(_) => self.key_with_range("-", "-"),
        };
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key));
        request.send().await.map(drop).map_err(|error| StoreError::request("GetItem", &self.name, &error))
    }

    /// Writes a probe item of about `bytes` bytes and reads it back, to check that the table takes writes. All processes share the item.
    ///
    /// # Errors
    /// [`StoreError`] if the write or the read fails, or the item is not there.
    pub async fn probe(&self, bytes: usize) -> Result<(), StoreError> {
        let key = match self.definition.range {
            None => self.key(PROBE),
            Some(_) => self.key_with_range(PROBE, PROBE),
        };
        let mut item = key.clone();
        item.insert("padding".to_owned(), string("-".repeat(bytes)));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await;
        put.map_err(|error| StoreError::request("PutItem", &self.name, &error))?;
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        let found = get.send().await.map_err(|error| StoreError::request("GetItem", &self.name, &error))?;
        match found.item {
            Some(_) => Ok(()),
            None => Err(StoreError::shape(&self.name, &"an item that was written is not there")),
        }
    }
}
