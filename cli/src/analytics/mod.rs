//! `orderflow analytics`: the figures of the shop, read from a running system or rebuilt from its tables.

mod series;

use orderflow_domain::Money;
use orderflow_settings::{Program, Setting, Snapshot, read};
use orderflow_system::rebuild_analytics;
use orderflow_telemetry::{TelemetrySettings, audited_ids};
use serde::Deserialize;

use crate::audit::Action;
use crate::client::http::ApiRequest;
use crate::client::output::Table;
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};
use crate::settings::{self, FlagSet, SettingFlags};

/// The flags and subcommands of `orderflow analytics`.
#[derive(clap::Args)]
pub struct AnalyticsArgs {
    #[command(subcommand)]
    command: AnalyticsCommand,
}

#[derive(clap::Subcommand)]
enum AnalyticsCommand {
    /// Show the number of orders by status, the revenue, and the products that sold most.
    #[command(after_help = SUMMARY_AFTER_HELP)]
    Summary(SummaryArgs),
    /// Show the orders or the revenue over time, as a chart.
    #[command(after_help = series::AFTER_HELP)]
    Series(series::SeriesArgs),
    /// Rebuild all figures from the orders.
    #[command(after_help = REBUILD_AFTER_HELP)]
    Rebuild(RebuildArgs),
}

impl AnalyticsArgs {
    pub(crate) fn writes_logs(&self) -> bool {
        matches!(self.command, AnalyticsCommand::Rebuild(_))
    }
}

/// Why a command on analytics failed.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// An error that every client command can have.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The rebuild failed; the earlier figures stay valid.
    #[error(transparent)]
    Rebuild(anyhow::Error),
}

impl From<std::io::Error> for AnalyticsError {
    fn from(error: std::io::Error) -> Self {
        Self::Client(error.into())
    }
}

/// Runs one command.
///
/// # Errors
/// Any [`AnalyticsError`].
pub fn run(args: AnalyticsArgs, environment: &Snapshot, output: &mut Output) -> Result<(), AnalyticsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            AnalyticsCommand::Summary(summary) => {
                summary.run(environment, output).await.map_err(AnalyticsError::from)
            }
            AnalyticsCommand::Series(series) => {
                series.run(environment, output).await.map_err(AnalyticsError::from)
            }
            AnalyticsCommand::Rebuild(rebuild) => rebuild.run(environment, output).await,
        }
    })?;
    output.flush()?;
    Ok(())
}

const SUMMARY_AFTER_HELP: &str = "\
A reserved order counts as pending. Revenue and products count confirmed orders only.

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
    top_skus: Option<Vec<SkuSold>>,
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
    async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
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
    let top = match &summary.top_skus {
        None => {
            session.output.note("more SKUs were sold than are ranked");
            return Ok(());
        }
        Some(top) if top.is_empty() => return Ok(()),
        Some(top) => top,
    };
    session.output.line("")?;
    let sold = top.iter().map(|sold| vec![sold.sku.clone(), sold.quantity.to_string()]);
    Ok(Table::new(&["SKU", "SOLD"]).write(sold.collect(), session.output)?)
}

const REBUILD_AFTER_HELP: &str = "\
With an endpoint, the system may run during the rebuild: it shows the old figures until the new ones are complete, and both count the events
that happen meanwhile. An interrupted rebuild leaves the old figures. With --data-dir, stop the system first: one program at a time can
open the folder. The names of the tables begin with ORDERFLOW_PREFIX.

Example:
  orderflow analytics rebuild --data-dir ./data
  orderflow analytics rebuild --dynamodb-endpoint http://127.0.0.1:8000";

/// The flags of `orderflow analytics rebuild`: where the tables are.
#[derive(clap::Args)]
struct RebuildArgs {
    #[command(flatten)]
    flags: SettingFlags<RebuildFlags>,
}

enum RebuildFlags {}

impl FlagSet for RebuildFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::AnalyticsRebuild)
    }
}

impl RebuildArgs {
    async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), AnalyticsError> {
        let orders = self.rebuild(environment).await.map_err(AnalyticsError::Rebuild)?;
        Ok(output.line(format_args!("orders counted: {orders}"))?)
    }

    async fn rebuild(self, environment: &Snapshot) -> anyhow::Result<usize> {
        let (telemetry, (location, prefix)) = read(&self.flags.over(environment), |reader| {
            Ok((TelemetrySettings::read(reader), settings::tables(reader)))
        })?;
        let _telemetry = orderflow_telemetry::init("analytics", telemetry)?;
        let rebuilt = rebuild_analytics(&location, &prefix).await;
        let on = audited_ids([("prefix", &prefix)]);
        Action { operation: "analytics rebuild", on: &on, is_done: rebuilt.is_ok() }.log();
        rebuilt
    }
}
