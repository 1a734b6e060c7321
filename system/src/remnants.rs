//! Erases former values from `orderflow store` at an endpoint.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_store::{Remnants, Replacement, StoreError};
use orderflow_store_server::{ERASE_REMNANTS, REPLACE_IN_STREAMS};
use reqwest::Client;

use crate::BaseUrl;
use crate::endpoint_kind::client;

/// The timeout of one request. The store rewrites the whole database.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// The remnants in `orderflow store` at an endpoint.
pub(crate) struct StoreRemnants {
    client: Client,
    endpoint: BaseUrl,
}

impl StoreRemnants {
    pub(crate) fn new(endpoint: &BaseUrl) -> anyhow::Result<Self> {
        Ok(Self { client: client(endpoint, REQUEST_TIMEOUT)?, endpoint: endpoint.clone() })
    }

    async fn call(&self, operation: &'static str, body: String) -> Result<(), StoreError> {
        let request = self.client.post(self.endpoint.join("/", &[])).header("x-amz-target", operation);
        let request = request.header("content-type", "application/json").body(body);
        let answered = request.send().await.and_then(reqwest::Response::error_for_status);
        answered.map(drop).map_err(|error| failed(operation, &error.without_url().to_string()))
    }
}

fn failed(operation: &'static str, message: &str) -> StoreError {
    let (table, code) = ("every table".to_owned(), "NotErased".to_owned());
    StoreError::Request { operation, table, code, message: message.to_owned() }
}

#[async_trait]
impl Remnants for StoreRemnants {
    async fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<(), StoreError> {
        let body = serde_json::to_string(replacements);
        let body = body.map_err(|error| failed(REPLACE_IN_STREAMS, &error.to_string()))?;
        self.call(REPLACE_IN_STREAMS, body).await
    }

    async fn erase(&self) -> Result<(), StoreError> {
        self.call(ERASE_REMNANTS, String::new()).await
    }
}
