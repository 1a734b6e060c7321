//! `orderflow notification`.

mod send;

use reqwest::Method;
use serde::Deserialize;

use super::call::{Call, Segment};
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
    /// Show a message that was asked for with `send`.
    #[command(after_help = "Example:\n  orderflow notification get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// Its id, as `send` shows it.
        #[arg(value_parser = Segment::parse)]
        id: Segment,
    },
    /// Have a message sent that is made from a template.
    #[command(after_help = send::AFTER_HELP)]
    Send(send::SendArgs),
    /// List the templates and the variables that each has to be given.
    #[command(after_help = "Example:\n  orderflow notification templates")]
    Templates,
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

#[derive(Deserialize)]
struct TemplateView {
    name: String,
    channel: String,
    variables: Vec<String>,
}

impl Listed for TemplateView {
    const MEMBER: &'static str = "templates";
    const HEADERS: &'static [&'static str] = &["TEMPLATE", "CHANNEL", "VARIABLES"];

    fn row(&self) -> Vec<String> {
        vec![self.name.clone(), self.channel.clone(), self.variables.join(", ")]
    }
}

impl NotificationArgs {
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        match self.command {
            NotificationCommand::List { order } => {
                let call = Call::list("notifications").query("order_id", Some(order));
                listing::show::<NotificationView>(&mut session, call, PageArgs::default()).await
            }
            NotificationCommand::Get { id } => {
                let call = Call::member(Method::GET, "notifications", &id);
                let answer = session.api.fetch(&call).await?;
                listing::show_single::<NotificationView>(&mut session, &answer)
            }
            NotificationCommand::Send(send) => send.run(&mut session).await,
            NotificationCommand::Templates => {
                listing::show::<TemplateView>(&mut session, Call::list("templates"), PageArgs::default())
                    .await
            }
        }
    }
}
