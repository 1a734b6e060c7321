//! `orderflow notification`.

use serde::Deserialize;

use super::call::Call;
use super::listing::{self, Listed, PageArgs};
use super::{ClientError, ConnectionArgs, Output};

/// `orderflow notification` and what stands behind it.
#[derive(clap::Args)]
pub struct NotificationArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: NotificationCommand,
}

#[derive(clap::Subcommand)]
enum NotificationCommand {
    /// List the messages that an order caused.
    #[command(
        after_help = "Example:\n  orderflow notification list --order 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    List {
        /// The order's id.
        #[arg(long, value_name = "ID")]
        order: String,
    },
}

#[derive(Deserialize)]
struct NotificationView {
    channel: String,
    recipient: String,
    template: String,
    subject: Option<String>,
    status: String,
    created_at: String,
}

impl Listed for NotificationView {
    const MEMBER: &'static str = "notifications";
    const HEADERS: &'static [&'static str] =
        &["CREATED", "CHANNEL", "RECIPIENT", "TEMPLATE", "STATUS", "SUBJECT"];

    fn row(&self) -> Vec<String> {
        vec![
            self.created_at.clone(),
            self.channel.clone(),
            self.recipient.clone(),
            self.template.clone(),
            self.status.clone(),
            self.subject.clone().unwrap_or_default(),
        ]
    }
}

impl NotificationArgs {
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let NotificationCommand::List { order } = self.command;
        let mut session = self.connection.open(output)?;
        let call = Call::list("notifications").query("order_id", Some(order));
        listing::show::<NotificationView>(&mut session, call, PageArgs::default()).await
    }
}
