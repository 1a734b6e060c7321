//! Erases former values from the embedded store, in this process or behind an endpoint.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_embedded::{ERASE_REMNANTS, Embedded, EmbeddedError, REPLACE_IN_STREAMS};
use orderflow_shop_api::Remnants;
use reqwest::Client;

use crate::BaseUrl;
use crate::endpoint_kind::client;

/// The timeout of one request. The store rewrites the whole database.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// The remnants in the embedded store of this process.
pub(crate) struct EmbeddedRemnants(pub(crate) Embedded);

impl EmbeddedRemnants {
    /// Works on a blocking thread, since it may take seconds.
    async fn run(
        &self,
        work: impl FnOnce(&Embedded) -> Result<(), EmbeddedError> + Send + 'static,
    ) -> Result<(), String> {
        let embedded = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&embedded)).await;
        done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Remnants for EmbeddedRemnants {
    async fn replace_in_streams(&self, replacements: Vec<(String, String)>) -> Result<(), String> {
        self.run(move |embedded| embedded.replace_in_streams(&replacements).map(drop)).await
    }

    async fn erase(&self) -> Result<(), String> {
        self.run(Embedded::erase_remnants).await
    }
}

/// The remnants in `orderflow store` at an endpoint.
pub(crate) struct StoreRemnants {
    client: Client,
    endpoint: BaseUrl,
}

impl StoreRemnants {
    pub(crate) fn new(endpoint: &BaseUrl) -> anyhow::Result<Self> {
        Ok(Self { client: client(endpoint, REQUEST_TIMEOUT)?, endpoint: endpoint.clone() })
    }

    async fn call(&self, operation: &str, body: String) -> Result<(), String> {
        let request = self.client.post(self.endpoint.join("/", &[])).header("x-amz-target", operation);
        let request = request.header("content-type", "application/json").body(body);
        let answered = request.send().await.and_then(reqwest::Response::error_for_status);
        answered.map(drop).map_err(|error| error.without_url().to_string())
    }
}

#[async_trait]
impl Remnants for StoreRemnants {
    async fn replace_in_streams(&self, replacements: Vec<(String, String)>) -> Result<(), String> {
        let body = serde_json::to_string(&replacements).map_err(|error| error.to_string())?;
        self.call(REPLACE_IN_STREAMS, body).await
    }

    async fn erase(&self) -> Result<(), String> {
        self.call(ERASE_REMNANTS, String::new()).await
    }
}
