//! `orderflow notification`.

use std::collections::BTreeMap;
use std::str::FromStr;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::http::{ApiRequest, IdempotencyKey, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::session::Session;
use crate::client::{ClientError, ConnectionArgs, Output};

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
        #[arg(value_parser = PathSegment::parse)]
        id: PathSegment,
    },
    /// Have a message sent that is made from a template.
    #[command(after_help = SEND_AFTER_HELP)]
    Send(SendArgs),
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
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
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
            NotificationCommand::Templates => {
                listing::show::<TemplateView>(
                    &mut session,
                    ApiRequest::list("templates"),
                    PageArgs::default(),
                )
                .await
            }
        }
    }
}

const SEND_AFTER_HELP: &str = "\
The message is on its way when the command ends; `orderflow notification get ID` tells whether it went out.

Examples:
  orderflow notification send --channel email --to user@example.com --template order_confirmation \\
    --var orderId=123 --var total='999.99 USD'
  orderflow notification send --channel sms --to +4930123456 --template order_refunded --var orderId=1 --var total=2";

/// The message to send.
#[derive(clap::Args)]
struct SendArgs {
    /// How it is sent: email or sms.
    #[arg(long)]
    channel: String,

    /// Whom it goes to: an e-mail address, or a telephone number in international form such as +4930123456.
    #[arg(long, value_name = "RECIPIENT")]
    to: String,

    /// What it is made from; `orderflow notification templates` lists what there is.
    #[arg(long)]
    template: String,

    /// A variable of the template. May be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<Variable>,

    /// Names this message: sent again under the same key, it is still one message. Without it a random key makes this
    /// command's own retries safe.
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
        let response =
            session.api.fetch(&request).await.inspect_err(|error| key.tell(error, session.output))?;
        listing::show_single::<Accepted>(session, &response)
    }
}

/// One `--var`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    name: String,
    value: String,
}

/// The text is no [`Variable`].
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
    fn variables() {
        for (text, name, value) in [("a=b", "a", "b"), ("a=", "a", ""), ("a=b=c", "a", "b=c")] {
            let variable: Variable = text.parse().unwrap();
            assert_eq!((variable.name.as_str(), variable.value.as_str()), (name, value));
        }
        for bad in ["", "a", "=b"] {
            assert_eq!(bad.parse::<Variable>(), Err(VariableError), "{bad:?}");
        }
    }
}
