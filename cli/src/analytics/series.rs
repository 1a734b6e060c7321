//! `orderflow analytics series`.

use orderflow_domain::{Currency, Money};
use orderflow_settings::Snapshot;
use serde::Deserialize;

use crate::client::http::ApiRequest;
use crate::client::output::chart::{Blocks, Chart};
use crate::client::session::{Format, Session};
use crate::client::{ClientError, ConnectionArgs, Output};

pub(super) const AFTER_HELP: &str = "\
The chart is at most 80 columns wide: with more steps than that, each column is the sum of several. Hours and days are those of UTC.

Example:
  orderflow analytics series
  orderflow analytics series --bucket day --show revenue
  orderflow analytics series --bucket minute --json \\
    --from 2026-01-31T12:00:00Z --to 2026-01-31T13:00:00Z";

/// The flags of `orderflow analytics series`.
#[derive(clap::Args)]
pub(super) struct SeriesArgs {
    /// The length of one step.
    #[arg(long, value_enum, default_value_t = Bucket::Hour)]
    bucket: Bucket,

    /// A time in the first step, such as 2026-01-31T12:00:00Z; without it the last 60 minutes, 24 hours or 30 days are shown.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// A time in the last step; without it, now.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// What the chart shows.
    #[arg(long, value_enum, default_value_t = Shown::Orders)]
    show: Shown,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The length of one step.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Bucket {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Bucket {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// What the chart shows.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shown {
    /// Orders that were placed.
    Orders,
    /// Orders that were confirmed, whenever they were placed.
    Confirmed,
    /// The totals of the confirmed orders.
    Revenue,
}

impl Shown {
    const fn title(self) -> &'static str {
        match self {
            Self::Orders => "orders placed",
            Self::Confirmed => "orders confirmed",
            Self::Revenue => "revenue",
        }
    }

    fn of(self, point: &Point) -> i64 {
        match self {
            Self::Orders => point.orders,
            Self::Confirmed => point.confirmed,
            Self::Revenue => point.revenue.amount,
        }
    }

    /// Returns a number as it is read: revenue in the currency of the shop.
    fn in_words(self, value: i64, currency: Option<&Currency>) -> String {
        match (self, currency) {
            (Self::Revenue, Some(currency)) => {
                Money { amount: value, currency: currency.clone() }.to_string()
            }
            _ => value.to_string(),
        }
    }
}

#[derive(Deserialize)]
struct Series {
    series: Vec<Point>,
}

/// The numbers of one step.
#[derive(Deserialize)]
struct Point {
    start: String,
    orders: i64,
    confirmed: i64,
    revenue: Money,
}

impl SeriesArgs {
    pub(super) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let request = ApiRequest::list("analytics/series")
            .query("bucket", Some(self.bucket.as_str()))
            .query("from", self.from)
            .query("to", self.to);
        let response = session.api.fetch(&request).await?;
        let series: Series = response.decode()?;
        match session.format {
            Format::Json => session.write_json(&response.body),
            Format::Table => draw(&mut session, &series.series, self.bucket, self.show),
        }
    }
}

fn draw(
    session: &mut Session<'_>,
    points: &[Point],
    bucket: Bucket,
    shown: Shown,
) -> Result<(), ClientError> {
    let values: Vec<u64> = points.iter().map(|point| u64::try_from(shown.of(point)).unwrap_or(0)).collect();
    let currency = points.first().map(|point| &point.revenue.currency);
    let in_words = |value: u64| shown.in_words(i64::try_from(value).unwrap_or(i64::MAX), currency);
    let total = in_words(values.iter().sum());
    session.output.line(format_args!("{} by the {}, {total} in all", shown.title(), bucket.as_str()))?;
    let ends = [points.first(), points.last()].map(|point| point.map_or("", |point| minute_of(&point.start)));
    let blocks = Blocks::of(session.environment);
    for line in Chart::new(&values).lines(blocks, in_words, ends) {
        session.output.line(line)?;
    }
    Ok(())
}

/// Returns a time without its seconds, as all steps begin with a minute.
fn minute_of(time: &str) -> &str {
    time.get(..16).unwrap_or(time)
}
