//! `orderflow analytics summary`.

use orderflow_domain::Money;
use serde::Deserialize;

use crate::client::call::Call;
use crate::client::connection::{Format, Session};
use crate::client::table::Table;
use crate::client::{ClientError, ConnectionArgs, Output};

pub(super) const AFTER_HELP: &str = "\
An order that is reserved counts as pending. Sales are those of confirmed orders.

Example:
  orderflow analytics summary
  orderflow analytics summary --json";

/// The flags of `orderflow analytics summary`.
#[derive(clap::Args)]
pub(super) struct SummaryArgs {
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
    pub(super) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        let answer = session.api.fetch(&Call::list("analytics/summary")).await?;
        let summary: SummaryView = answer.decode()?;
        match session.format {
            Format::Json => session.write_json(&answer.body),
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
