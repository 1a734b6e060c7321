//! `orderflow payment`.

use orderflow_domain::{Currency, Money};
use reqwest::Method;
use serde::Deserialize;

use super::call::{Call, Segment};
use super::listing::{self, Listed, PageArgs};
use super::{ClientError, ConnectionArgs, Output};

/// `orderflow payment` and what stands behind it.
#[derive(clap::Args)]
pub struct PaymentArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: PaymentCommand,
}

#[derive(clap::Subcommand)]
enum PaymentCommand {
    /// Show where the payment of an order stands.
    #[command(after_help = "Example:\n  orderflow payment list --order 01890a5d-ac96-774b-bcce-b302099a8057")]
    List {
        /// The order's id.
        #[arg(long, value_name = "ID")]
        order: String,
    },
    /// Give back a charge whose refund failed. A payment that is not refund_failed is left as it is.
    #[command(after_help = "Example:\n  orderflow payment refund 01890a5d-ac96-774b-bcce-b302099a8057")]
    Refund {
        /// The order's id.
        #[arg(value_name = "ORDER", value_parser = Segment::parse)]
        order: Segment,
    },
}

#[derive(Deserialize)]
struct PaymentView {
    order_id: String,
    status: String,
    amount: i64,
    currency: Currency,
    provider_id: Option<String>,
    created_at: String,
}

impl Listed for PaymentView {
    const MEMBER: &'static str = "payments";
    const HEADERS: &'static [&'static str] = &["ORDER", "STATUS", "AMOUNT", "PROVIDER ID", "CREATED"];

    fn row(&self) -> Vec<String> {
        let money = Money { amount: self.amount, currency: self.currency.clone() };
        vec![
            self.order_id.clone(),
            self.status.clone(),
            money.to_string(),
            self.provider_id.clone().unwrap_or_default(),
            self.created_at.clone(),
        ]
    }
}

impl PaymentArgs {
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        match self.command {
            PaymentCommand::List { order } => {
                let call = Call::list("payments").query("order_id", Some(order));
                listing::show::<PaymentView>(&mut session, call, PageArgs::default()).await
            }
            PaymentCommand::Refund { order } => {
                let call = Call::member(Method::POST, "payments", &order).below("refund").patient();
                let answer = session.api.fetch(&call).await?;
                listing::show_single::<PaymentView>(&mut session, &answer)
            }
        }
    }
}
