//! Opens the tables and their streams, embedded or at an endpoint.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use orderflow_bridge::{NoTrimmer, RUNTIME, StreamTrimmer, Wakeup, sdk_config, streams_sdk_config};
use orderflow_embedded::{Embedded, Location};
use orderflow_shop_api::{OutOfReach, Remnants};
use orderflow_store::{IndependentWrites, Store};
use tokio::sync::watch;

use crate::BaseUrl;
use crate::endpoint_kind::is_orderflow_store;
use crate::remnants::{EmbeddedRemnants, StoreRemnants};

/// The timeout of one request to a store at an endpoint.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The authentication scheme of unsigned requests.
const NO_AUTH: AuthSchemeId = AuthSchemeId::new("noAuth");

/// Where the tables are.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// In this process.
    Embedded(Location),
    /// At a DynamoDB endpoint.
    Endpoint(BaseUrl),
}

/// The tables and their streams.
pub(crate) enum Data {
    Embedded(Embedded),
    Endpoint { store: Store, streams: aws_sdk_dynamodbstreams::Client, remnants: Arc<dyn Remnants> },
}

impl Data {
    /// Opens the data. For an endpoint, waits until it answers.
    pub(crate) async fn open(location: &StoreLocation, prefix: &str) -> anyhow::Result<Self> {
        match location {
            StoreLocation::Embedded(location) => Ok(Self::Embedded(Embedded::open(location.clone())?)),
            StoreLocation::Endpoint(endpoint) => Self::connect(endpoint, prefix).await,
        }
    }

    async fn connect(endpoint: &BaseUrl, prefix: &str) -> anyhow::Result<Self> {
        let embedded = is_orderflow_store(endpoint).await?;
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(REQUEST_TIMEOUT).build();
        let config = sdk_config(Some(&endpoint.to_string())).await;
        let config = config.into_builder().timeout_config(timeouts.clone()).build();
        if embedded {
            return Ok(Self::connect_embedded(&config, prefix, Arc::new(StoreRemnants::new(endpoint)?)));
        }
        let streams = streams_sdk_config(&endpoint.to_string()).await;
        let streams = streams.into_builder().timeout_config(timeouts).build();
        Ok(Self::connect_dynamodb(&config, &streams, prefix))
    }

    fn connect_dynamodb(config: &SdkConfig, streams: &SdkConfig, prefix: &str) -> Self {
        let client = aws_sdk_dynamodb::Client::new(config);
        let store = Store::new(client, prefix, IndependentWrites::Concurrent);
        let streams = aws_sdk_dynamodbstreams::Client::new(streams);
        Self::Endpoint { store, streams, remnants: Arc::new(OutOfReach) }
    }

    /// Connects to `orderflow store`. It checks no signatures, so requests are not signed. Independent writes go into one transaction, which
    /// costs it half of what single writes cost; DynamoDB bills twice as much for a transaction.
    fn connect_embedded(config: &SdkConfig, prefix: &str, remnants: Arc<dyn Remnants>) -> Self {
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(config);
        let dynamodb = dynamodb.allow_no_auth().auth_scheme_preference([NO_AUTH]).build();
        let streams = aws_sdk_dynamodbstreams::config::Builder::from(config);
        let streams = streams.allow_no_auth().auth_scheme_preference([NO_AUTH]).build();
        let client = aws_sdk_dynamodb::Client::from_conf(dynamodb);
        let store = Store::new(client, prefix, IndependentWrites::OneTransaction);
        let streams = aws_sdk_dynamodbstreams::Client::from_conf(streams);
        Self::Endpoint { store, streams, remnants }
    }

    /// Returns an error if the database in this process has the shop of another prefix: with this one it would look empty.
    pub(crate) async fn check_prefix(&self, prefix: &str) -> anyhow::Result<()> {
        let Self::Embedded(embedded) = self else { return Ok(()) };
        let tables = embedded.dynamodb().list_tables().into_paginator().items().send();
        let tables: Vec<String> =
            tables.collect::<Result<_, _>>().await.context("the tables cannot be listed")?;
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

    pub(crate) fn store(&self, prefix: &str) -> Store {
        match self {
            Self::Embedded(embedded) => {
                Store::new(embedded.dynamodb(), prefix, IndependentWrites::OneTransaction)
            }
            Self::Endpoint { store, .. } => store.clone(),
        }
    }

    pub(crate) fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        match self {
            Self::Embedded(embedded) => embedded.streams(),
            Self::Endpoint { streams, .. } => streams.clone(),
        }
    }

    pub(crate) fn trimmer(&self) -> Arc<dyn StreamTrimmer> {
        match self {
            Self::Embedded(embedded) => Arc::new(EmbeddedTrimmer(embedded.clone())),
            Self::Endpoint { .. } => Arc::new(NoTrimmer),
        }
    }

    /// Returns what erases former values from the store.
    pub(crate) fn remnants(&self) -> Arc<dyn Remnants> {
        match self {
            Self::Embedded(embedded) => Arc::new(EmbeddedRemnants(embedded.clone())),
            Self::Endpoint { remnants, .. } => remnants.clone(),
        }
    }

    /// Returns the counter of the writes of this process to a table; `None` for tables at an endpoint.
    pub(crate) fn changes(&self, table: &str) -> Option<watch::Receiver<u64>> {
        match self {
            Self::Embedded(embedded) => Some(embedded.changes(table)),
            Self::Endpoint { .. } => None,
        }
    }

    pub(crate) fn wakeup(&self, table: &str) -> Wakeup {
        self.changes(table).map_or(Wakeup::Poll, Wakeup::Writes)
    }
}

struct EmbeddedTrimmer(Embedded);

impl StreamTrimmer for EmbeddedTrimmer {
    fn trim(&self, table: &str, sequence_number: &str) {
        if let Err(error) = self.0.trim_stream(table, sequence_number) {
            tracing::warn!(table, %error, "stream cannot be trimmed");
        }
    }
}
