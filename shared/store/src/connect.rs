//! Connects to the store that the environment names.

use aws_sdk_dynamodb::Client;

use crate::{DEFAULT_PREFIX, IndependentWrites, Store, StoreError, Table};

impl Store {
    /// Returns the store at the endpoint of `config`, with the tables whose names begin with `ORDERFLOW_PREFIX`.
    pub fn from_environment(config: &aws_config::SdkConfig) -> Self {
        let prefix = std::env::var("ORDERFLOW_PREFIX").unwrap_or_else(|_| DEFAULT_PREFIX.to_owned());
        Self::new(Client::new(config), prefix, IndependentWrites::SideBySide)
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
}
