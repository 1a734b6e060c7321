//! `orderflow notification`.

mod resend;

use std::collections::BTreeMap;
use std::str::FromStr;

use orderflow_settings::Snapshot;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::http::{ApiRequest, IdempotencyKey, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::session::Session;
use crate::client::{ClientError, ConnectionArgs, Output};

/// The flags and subcommands of `orderflow notification`.
#[derive(clap::Args)]
pub struct NotificationArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: NotificationCommand,
}

#[derive(clap::Subcommand)]
enum NotificationCommand {
    /// List the messages sent for an order.
    #[command(
        after_help = "Example:\n  orderflow notification list --order 01890a5d-ac96-774b-bcce-b302099a8057"
    )]
    List {
        /// The id of the order.
        #[arg(long, value_name = "ID")]
        order: String,
    },
    /// Show a message that was requested with `send`.
    #[command(after_help = "Example:\n  orderflow notification get 01890a5d-ac96-774b-bcce-b302099a8057")]
    Get {
        /// The id of the message, as `send` prints it.
        #[arg(value_parser = PathSegment::parse)]
        id: PathSegment,
    },
    /// Send a message made from a template.
    #[command(after_help = SEND_AFTER_HELP)]
    Send(SendArgs),
    /// Send the messages about an order again, or those about all orders that match filters.
    #[command(after_help = resend::AFTER_HELP)]
    Resend(resend::ResendArgs),
    /// List the templates and the variables that each needs.
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

impl ListItem for NotificationView {
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

impl ListItem for TemplateView {
    const MEMBER: &'static str = "templates";
    const HEADERS: &'static [&'static str] = &["TEMPLATE", "CHANNEL", "VARIABLES"];

    fn row(&self) -> Vec<String> {
        vec![self.name.clone(), self.channel.clone(), self.variables.join(", ")]
    }
}

impl NotificationArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        match self.command {
            NotificationCommand::List { order } => {
                let request = ApiRequest::list("notifications").query("order_id", Some(order));
                listing::show::<NotificationView>(&mut session, request, PageArgs::default()).await
            }
            NotificationCommand::Get { id } => {
                let request = ApiRequest::member(Method::GET, "notifications", &id);
                let response = session.api.fetch(&request).await?;
                listing::show_single::<NotificationView>(&mut session, &response)
            }
            NotificationCommand::Send(send) => send.run(&mut session).await,
            NotificationCommand::Resend(resend) => resend.run(&mut session).await,
            NotificationCommand::Templates => {
                listing::show::<TemplateView>(
                    &mut session,
                    ApiRequest::list("templates"),
                    PageArgs::every_page(),
                )
                .await
            }
        }
    }
}

const SEND_AFTER_HELP: &str = "\
The command ends when the message is accepted for sending; `orderflow notification get ID` shows whether it was sent.

Examples:
  orderflow notification send --channel email --to user@example.com \\
    --template order_confirmation --var orderId=123 --var total='999.99 USD'
  orderflow notification send --channel sms --to +4930123456 \\
    --template order_refunded --var orderId=1 --var total=2";

/// The message to send.
#[derive(clap::Args)]
struct SendArgs {
    /// The channel: email or sms.
    #[arg(long)]
    channel: String,

    /// The recipient: an e-mail address, or a telephone number in international form such as +4930123456.
    #[arg(long, value_name = "RECIPIENT")]
    to: String,

    /// The name of the template; `orderflow notification templates` lists them.
    #[arg(long)]
    template: String,

    /// A variable of the template; repeat the flag for each.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<Variable>,

    /// A key of your own for this message: repeated with the same key, the command sends one message. Without it a random key makes the
    /// retries within this command safe.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Serialize)]
struct NotificationBody {
    channel: String,
    recipient: String,
    template: String,
    variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
}

impl ListItem for Accepted {
    const MEMBER: &'static str = "notifications";
    const HEADERS: &'static [&'static str] = &["NOTIFICATION"];

    fn row(&self) -> Vec<String> {
        vec![self.id.clone()]
    }
}

impl SendArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let key = self.idempotency_key.unwrap_or_else(IdempotencyKey::random);
        let body = NotificationBody {
            channel: self.channel,
            recipient: self.to,
            template: self.template,
            variables: self.variables.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        };
        let request = ApiRequest::new(Method::POST, "/api/v1/notifications").json(&body).idempotent(&key);
        let response = session
            .api
            .fetch(&request)
            .await
            .inspect_err(|error| key.explain_retry(error, session.output))?;
        listing::show_single::<Accepted>(session, &response)
    }
}

/// The value of one `--var`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    name: String,
    value: String,
}

/// The text is not a [`Variable`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a name and a value such as orderId=123")]
struct VariableError;

impl FromStr for Variable {
    type Err = VariableError;

    fn from_str(text: &str) -> Result<Self, VariableError> {
        let (name, value) = text.split_once('=').ok_or(VariableError)?;
        if name.is_empty() {
            return Err(VariableError);
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_name_and_a_value() {
        for (text, name, value) in [("a=b", "a", "b"), ("a=", "a", ""), ("a=b=c", "a", "b=c")] {
            let variable: Variable = text.parse().unwrap();
            assert_eq!((variable.name.as_str(), variable.value.as_str()), (name, value));
        }
        for bad in ["", "a", "=b"] {
            assert_eq!(bad.parse::<Variable>(), Err(VariableError), "{bad:?}");
        }
    }
}
