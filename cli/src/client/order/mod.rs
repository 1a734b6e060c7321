//! `orderflow order`.

mod bulk;
mod place;
mod poll;
mod selection;
mod view;
mod watch;

use clap::builder::PossibleValuesParser;
use orderflow_domain::OrderStatus;
use orderflow_settings::Snapshot;
use reqwest::Method;

use crate::client::http::{ApiRequest, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::session::Session;
use crate::client::{ClientError, ConnectionArgs, Output};
pub(crate) use view::OrderView;

/// The flags and subcommands of `orderflow order`.
#[derive(clap::Args)]
pub struct OrderArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: OrderCommand,
}

#[derive(clap::Subcommand)]
enum OrderCommand {
    /// Place an order.
    #[command(after_help = place::AFTER_HELP)]
    Place(place::PlaceArgs),
    /// Show an order.
    #[command(after_help = "Example:\n  orderflow order get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get(OneOrder),
    /// List orders, newest first.
    #[command(after_help = "Example:\n  orderflow order list --customer C100 --status confirmed")]
    List(ListArgs),
    /// Cancel an order that is still undecided, or all that match filters: stock is released, and payments are voided or refunded.
    #[command(after_help = bulk::CANCEL_AFTER_HELP)]
    Cancel(bulk::CancelArgs),
    /// Restart an order from where it stands, or all that match filters: the event is emitted again that it waits for an answer to.
    #[command(after_help = bulk::RESEND_AFTER_HELP)]
    Resend(bulk::ResendArgs),
    /// Follow an order until it ends, and print its events and status as they change.
    #[command(after_help = watch::AFTER_HELP)]
    Watch(watch::WatchArgs),
}

#[derive(clap::Args)]
struct OneOrder {
    /// The id of the order.
    #[arg(value_parser = PathSegment::parse)]
    id: PathSegment,
}

impl OrderArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let session = &mut session;
        match self.command {
            OrderCommand::Place(place) => place.run(session).await,
            OrderCommand::Get(one) => one.show(session).await,
            OrderCommand::List(list) => list.run(session).await,
            OrderCommand::Cancel(cancel) => cancel.run(session).await,
            OrderCommand::Resend(resend) => resend.run(session).await,
            OrderCommand::Watch(watch) => watch.run(session).await,
        }
    }
}

impl OneOrder {
    async fn show(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let request = ApiRequest::member(Method::GET, "orders", &self.id);
        let response = session.api.fetch(&request).await?;
        view::show(session, &response)
    }
}

/// The filters; an order must match all of them.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// Only orders of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,

    /// Only orders with this status.
    #[arg(long, value_parser = PossibleValuesParser::new(OrderStatus::NAMES))]
    status: Option<String>,

    /// Only orders that contain this product, by its SKU.
    #[arg(long)]
    sku: Option<String>,

    #[command(flatten)]
    pages: PageArgs,
}

impl ListItem for OrderView {
    const MEMBER: &'static str = "orders";
    const HEADERS: &'static [&'static str] = &["ORDER", "STATUS", "TOTAL", "PLACED", "CUSTOMER"];

    fn row(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status_with_reason(),
            self.total.to_string(),
            self.created_at.clone(),
            self.customer_id.clone(),
        ]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let request = ApiRequest::list("orders")
            .query("customer_id", self.customer)
            .query("status", self.status)
            .query("sku", self.sku);
        listing::show::<OrderView>(session, request, self.pages).await
    }
}
