//! `orderflow analytics`: what the shop sold, asked of a running system, and counted anew from its tables.

use std::path::PathBuf;

use orderflow_domain::Money;
use orderflow_embedded::Location;
use orderflow_store::DEFAULT_PREFIX;
use orderflow_system::{BaseUrl, StoreLocation, recount_analytics};
use orderflow_telemetry::LogFormat;
use serde::Deserialize;

use crate::client::http::ApiRequest;
use crate::client::output::Table;
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

/// `orderflow analytics` and what stands behind it.
#[derive(clap::Args)]
pub struct AnalyticsArgs {
    #[command(subcommand)]
    command: AnalyticsCommand,
}

#[derive(clap::Subcommand)]
enum AnalyticsCommand {
    /// Show how many orders there were, how they stand, and what was sold.
    #[command(after_help = SUMMARY_AFTER_HELP)]
    Summary(SummaryArgs),
    /// Count everything anew from the orders.
    #[command(after_help = REBUILD_AFTER_HELP)]
    Rebuild(RebuildArgs),
}

/// Why a command on analytics failed.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// What may befall every client command.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nothing was counted anew.
    #[error(transparent)]
    Rebuild(anyhow::Error),
}

impl From<std::io::Error> for AnalyticsError {
    fn from(error: std::io::Error) -> Self {
        Self::Client(error.into())
    }
}

/// Runs one command to its end.
///
/// # Errors
/// Any [`AnalyticsError`].
pub fn run(args: AnalyticsArgs, output: &mut Output) -> Result<(), AnalyticsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            AnalyticsCommand::Summary(summary) => summary.run(output).await.map_err(AnalyticsError::from),
            AnalyticsCommand::Rebuild(rebuild) => rebuild.run(output).await,
        }
    })?;
    output.flush()?;
    Ok(())
}

const SUMMARY_AFTER_HELP: &str = "\
An order that is reserved counts as pending. Sales are those of confirmed orders.

Example:
  orderflow analytics summary
  orderflow analytics summary --json";

/// The flags of `orderflow analytics summary`.
#[derive(clap::Args)]
struct SummaryArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Deserialize)]
struct SummaryView {
    total_orders: i64,
    by_status: ByStatus,
    revenue: Money,
    average_order_value: Money,
    top_skus: Vec<SkuSold>,
}

#[derive(Deserialize)]
struct ByStatus {
    pending: i64,
    confirmed: i64,
    rejected: i64,
    cancelled: i64,
}

#[derive(Deserialize)]
struct SkuSold {
    sku: String,
    quantity: i64,
}

impl SummaryArgs {
    async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        let response = session.api.fetch(&ApiRequest::list("analytics/summary")).await?;
        let summary: SummaryView = response.decode()?;
        match session.format {
            Format::Json => session.write_json(&response.body),
            Format::Table => show(&mut session, &summary),
        }
    }
}

fn show(session: &mut Session<'_>, summary: &SummaryView) -> Result<(), ClientError> {
    let headers = ["ORDERS", "PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "REVENUE", "AVERAGE"];
    let ByStatus { pending, confirmed, rejected, cancelled } = summary.by_status;
    let numbers = [summary.total_orders, pending, confirmed, rejected, cancelled];
    let amounts = [&summary.revenue, &summary.average_order_value];
    let numbers = numbers.iter().map(ToString::to_string);
    let row = numbers.chain(amounts.iter().map(ToString::to_string)).collect();
    Table::new(&headers).write(vec![row], session.output)?;
    if summary.top_skus.is_empty() {
        return Ok(());
    }
    session.output.line("")?;
    let sold = summary.top_skus.iter().map(|sold| vec![sold.sku.clone(), sold.quantity.to_string()]);
    Ok(Table::new(&["SKU", "SOLD"]).write(sold.collect(), session.output)?)
}

const REBUILD_AFTER_HELP: &str = "\
Behind an endpoint it works while the system does: the old numbers are shown until the new ones are whole, and what happens meanwhile
counts in both. Stopped half-way, it leaves the old ones. A folder is free for it while no program works on it.
ORDERFLOW_PREFIX says how the tables' names begin.

Example:
  orderflow analytics rebuild --data-dir ./data
  orderflow analytics rebuild --dynamodb-endpoint http://127.0.0.1:8000";

/// Where the tables are.
#[derive(clap::Args)]
struct RebuildArgs {
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
    async fn run(self, output: &mut Output) -> Result<(), AnalyticsError> {
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
