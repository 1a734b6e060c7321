//! Opens the tables and their streams, embedded or at an endpoint.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::timeout::TimeoutConfig;
use orderflow_bridge::{RUNTIME, Wakeup, sdk_config, streams_sdk_config};
use orderflow_catalog::{CATALOG, SHOP_ITEM, ShopCurrencyError, check_currency};
use orderflow_domain::Currency;
use orderflow_engine::{Engine, EngineError, Location, Options, SyncMode};
use orderflow_store::{Backend, DynamoDb, Store};

use crate::BaseUrl;
use crate::endpoint_kind::is_orderflow_store;
use crate::remnants::StoreRemnants;

/// The timeout of one request to a store at an endpoint.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the tables are.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// In this process.
    Embedded(EmbeddedStore),
    /// In a store of this process that the caller has opened.
    Given(Arc<dyn Backend>),
    /// At a DynamoDB endpoint.
    Endpoint(BaseUrl),
}

/// The embedded store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedStore {
    /// Where its data is.
    pub location: Location,
    /// What an answered write survives.
    pub sync: SyncMode,
}

impl EmbeddedStore {
    /// Opens the store.
    ///
    /// # Errors
    /// [`EngineError`] if the data cannot be used.
    pub fn open(&self) -> Result<Engine, EngineError> {
        Engine::open(Options { sync: self.sync, ..Options::new(self.location.clone()) })
    }
}

impl From<Location> for EmbeddedStore {
    fn from(location: Location) -> Self {
        Self { location, sync: SyncMode::default() }
    }
}

/// The tables and their streams.
pub(crate) struct Data {
    backend: Arc<dyn Backend>,
    is_in_process: bool,
}

impl Data {
    /// Opens the data. For an endpoint, waits until it answers.
    pub(crate) async fn open(location: &StoreLocation) -> anyhow::Result<Self> {
        Ok(match location {
            StoreLocation::Embedded(store) => Self { backend: Arc::new(store.open()?), is_in_process: true },
            StoreLocation::Given(backend) => Self { backend: Arc::clone(backend), is_in_process: true },
            StoreLocation::Endpoint(endpoint) => {
                Self { backend: Arc::new(connect(endpoint).await?), is_in_process: false }
            }
        })
    }

    /// Returns the data of this database.
    pub(crate) fn over(engine: Engine) -> Self {
        Self { backend: Arc::new(engine), is_in_process: true }
    }

    /// Refuses a data directory with the shop of another prefix or currency before it is opened for writing, so that it is not changed.
    pub(crate) async fn check_untouched(
        location: &StoreLocation,
        prefix: &str,
        currency: &Currency,
    ) -> anyhow::Result<()> {
        let StoreLocation::Embedded(EmbeddedStore { location: Location::Directory(directory), .. }) =
            location
        else {
            return Ok(());
        };
        let catalog = format!("{prefix}-{}", CATALOG.name);
        // What cannot be read is reported when the directory is opened.
        let Ok(Some(outline)) = Engine::outline(directory, &[(&catalog, SHOP_ITEM)]) else { return Ok(()) };
        let data = Self::over(outline);
        data.check_prefix(prefix).await?;
        match check_currency(&data.store(prefix), currency).await {
            Err(error @ ShopCurrencyError::Another { .. }) => bail!(error),
            Ok(()) | Err(ShopCurrencyError::Store(_)) => Ok(()),
        }
    }

    /// Returns an error if the database in this process has the shop of another prefix: with this one it would look empty.
    pub(crate) async fn check_prefix(&self, prefix: &str) -> anyhow::Result<()> {
        if !self.is_in_process {
            return Ok(());
        }
        let tables = self.backend.list_tables().await.context("the tables cannot be listed")?;
        let runtime = format!("-{}", RUNTIME.name);
        let stored: Vec<&str> = tables.iter().filter_map(|table| table.strip_suffix(&runtime)).collect();
        if stored.is_empty() || stored.contains(&prefix) {
            return Ok(());
        }
        bail!(
            "the data belongs to a shop with the prefix {}: set ORDERFLOW_PREFIX to it, or start with another data directory",
            stored.join(" or ")
        )
    }

    /// Returns the tables with this prefix.
    pub(crate) fn store(&self, prefix: &str) -> Store {
        Store::new(Arc::clone(&self.backend), prefix)
    }

    /// Returns whether the tables are in this process.
    pub(crate) fn is_in_process(&self) -> bool {
        self.is_in_process
    }

    pub(crate) fn wakeup(&self, table: &str) -> Wakeup {
        Wakeup::of(&*self.backend, table)
    }
}

async fn connect(endpoint: &BaseUrl) -> anyhow::Result<DynamoDb> {
    let is_orderflow_store = is_orderflow_store(endpoint).await?;
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(REQUEST_TIMEOUT).build();
    let config = sdk_config(Some(&endpoint.to_string())).await;
    let config = config.into_builder().timeout_config(timeouts.clone()).build();
    if is_orderflow_store {
        let remnants = Arc::new(StoreRemnants::new(endpoint)?);
        return Ok(DynamoDb::unsigned(&config).with_remnants(remnants));
    }
    let streams = streams_sdk_config(&endpoint.to_string()).await;
    let streams = streams.into_builder().timeout_config(timeouts).build();
    Ok(DynamoDb::on_aws(&config, &streams))
}
