//! `orderflow order`.

mod item;
mod list;
mod place;
mod poll;
mod view;
mod watch;

use reqwest::Method;

use super::call::{Call, Segment};
use super::connection::Session;
use super::{ClientError, ConnectionArgs, Output};

/// `orderflow order` and what stands behind it.
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
    List(list::ListArgs),
    /// Cancel an order that has not ended.
    #[command(after_help = "Example:\n  orderflow order cancel 01890a5d-ac96-774b-bcce-b302099a8057")]
    Cancel(OneOrder),
    /// Follow an order until it ends, showing its events and status as they come.
    #[command(after_help = watch::AFTER_HELP)]
    Watch(watch::WatchArgs),
}

#[derive(clap::Args)]
struct OneOrder {
    /// The order's id.
    #[arg(value_parser = Segment::parse)]
    id: Segment,
}

impl OrderArgs {
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        let session = &mut session;
        match self.command {
            OrderCommand::Place(place) => place.run(session).await,
            OrderCommand::Get(one) => one.show(session, Method::GET).await,
            OrderCommand::List(list) => list.run(session).await,
            OrderCommand::Cancel(one) => one.show(session, Method::DELETE).await,
            OrderCommand::Watch(watch) => watch.run(session).await,
        }
    }
}

impl OneOrder {
    async fn show(self, session: &mut Session<'_>, method: Method) -> Result<(), ClientError> {
        let call = Call::member(method, "orders", &self.id);
        let answer = session.api.fetch(&call).await?;
        view::show(session, &answer)
    }
}
