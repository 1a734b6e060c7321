//! `orderflow analytics rebuild`.

use std::path::PathBuf;

use orderflow_embedded::Location;
use orderflow_store::DEFAULT_PREFIX;
use orderflow_system::{BaseUrl, StoreLocation, recount_analytics};
use orderflow_telemetry::LogFormat;

use super::AnalyticsError;
use crate::client::Output;

pub(super) const AFTER_HELP: &str = "\
Behind an endpoint it works while the system does: the old numbers are shown until the new ones are whole, and what happens meanwhile
counts in both. Stopped half-way, it leaves the old ones. A folder is free for it while no program works on it.
ORDERFLOW_PREFIX says how the tables' names begin.

Example:
  orderflow analytics rebuild --data-dir ./data
  orderflow analytics rebuild --dynamodb-endpoint http://127.0.0.1:8000";

/// Where the tables are.
#[derive(clap::Args)]
pub(super) struct RebuildArgs {
    /// The folder that everything is kept in.
    #[arg(long, env = "ORDERFLOW_DATA_DIR", default_value = "./data")]
    data_dir: PathBuf,

    /// The tables are behind this endpoint instead: `orderflow store`, or anything else that speaks DynamoDB.
    #[arg(long, env = "ORDERFLOW_DYNAMODB_ENDPOINT", value_name = "URL")]
    dynamodb_endpoint: Option<BaseUrl>,

    /// The tables are at AWS or an emulator of it, behind this endpoint.
    #[arg(long, env = "ORDERFLOW_AWS_ENDPOINT", value_name = "URL", conflicts_with = "dynamodb_endpoint")]
    aws_endpoint: Option<BaseUrl>,
}

impl RebuildArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), AnalyticsError> {
        let orders = self.recount().await.map_err(AnalyticsError::Rebuild)?;
        Ok(output.line(format_args!("orders counted: {orders}"))?)
    }

    async fn recount(self) -> anyhow::Result<usize> {
        let _telemetry = orderflow_telemetry::init("analytics", LogFormat::from_env()?)?;
        let prefix = std::env::var("ORDERFLOW_PREFIX").unwrap_or_else(|_| DEFAULT_PREFIX.to_owned());
        let location = match self.aws_endpoint.or(self.dynamodb_endpoint) {
            Some(endpoint) => StoreLocation::Endpoint(endpoint),
            None => StoreLocation::Embedded(Location::Directory(self.data_dir)),
        };
        recount_analytics(&location, &prefix).await
    }
}
