//! `orderflow payment`.

use orderflow_domain::{Currency, Money};
use orderflow_settings::Snapshot;
use reqwest::Method;
use serde::Deserialize;

use crate::client::http::{ApiRequest, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::{ClientError, ConnectionArgs, Output};

/// The flags and subcommands of `orderflow payment`.
#[derive(clap::Args)]
pub struct PaymentArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: PaymentCommand,
}

#[derive(clap::Subcommand)]
enum PaymentCommand {
    /// Show the payment of an order, or the payments whose refund failed.
    #[command(
        after_help = "Examples:\n  orderflow payment list --order 01890a5d-ac96-774b-bcce-b302099a8057\n  \
                            orderflow payment list --status refund_failed --all"
    )]
    List {
        #[command(flatten)]
        which: WhichArgs,
        #[command(flatten)]
        pages: PageArgs,
    },
    /// Retry a refund that failed, at once or days after the provider had accepted it.
    #[command(after_help = "Example:\n  orderflow payment refund 01890a5d-ac96-774b-bcce-b302099a8057")]
    Refund {
        /// The id of the order.
        #[arg(value_name = "ORDER", value_parser = PathSegment::parse)]
        order: PathSegment,
    },
}

/// Which payments to show.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct WhichArgs {
    /// The payment of this order.
    #[arg(long, value_name = "ID")]
    order: Option<String>,

    /// The payments with this status.
    #[arg(long, value_parser = ["refund_failed"])]
    status: Option<String>,
}

#[derive(Deserialize)]
struct PaymentView {
    order_id: String,
    status: String,
    amount: i64,
    currency: Currency,
    provider_id: Option<String>,
    dispute: Option<DisputeView>,
    created_at: String,
}

#[derive(Deserialize)]
struct DisputeView {
    status: String,
}

impl ListItem for PaymentView {
    const MEMBER: &'static str = "payments";
    const HEADERS: &'static [&'static str] = &["ORDER", "STATUS", "AMOUNT", "PROVIDER ID", "CREATED"];

    fn row(&self) -> Vec<String> {
        let money = Money { amount: self.amount, currency: self.currency.clone() };
        vec![
            self.order_id.clone(),
            self.dispute.as_ref().map_or_else(
                || self.status.clone(),
                |dispute| format!("{}, dispute {}", self.status, dispute.status),
            ),
            money.to_string(),
            self.provider_id.clone().unwrap_or_default(),
            self.created_at.clone(),
        ]
    }
}

impl PaymentArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        match self.command {
            PaymentCommand::List { which, pages } => {
                let request =
                    ApiRequest::list("payments").query("order_id", which.order).query("status", which.status);
                listing::show::<PaymentView>(&mut session, request, pages).await
            }
            PaymentCommand::Refund { order } => {
                let request = ApiRequest::member(Method::POST, "payments", &order).below("refund").retried();
                let response = session.api.fetch(&request).await?;
                listing::show_single::<PaymentView>(&mut session, &response)
            }
        }
    }
}
