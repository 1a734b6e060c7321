//! `orderflow notification send`.

use std::collections::BTreeMap;
use std::str::FromStr;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::ClientError;
use crate::client::call::Call;
use crate::client::connection::Session;
use crate::client::key::IdempotencyKey;
use crate::client::listing::{self, Listed};

pub(crate) const AFTER_HELP: &str = "\
The message is on its way when the command ends; `orderflow notification get ID` tells whether it went out.

Examples:
  orderflow notification send --channel email --to user@example.com --template order_confirmation \\
    --var orderId=123 --var total='999.99 USD'
  orderflow notification send --channel sms --to +4930123456 --template order_refunded --var orderId=1 --var total=2";

/// The message to send.
#[derive(clap::Args)]
pub(crate) struct SendArgs {
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

impl Listed for Accepted {
    const MEMBER: &'static str = "notifications";
    const HEADERS: &'static [&'static str] = &["NOTIFICATION"];

    fn row(&self) -> Vec<String> {
        vec![self.id.clone()]
    }
}

impl SendArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let key = self.idempotency_key.unwrap_or_else(IdempotencyKey::random);
        let body = NotificationBody {
            channel: self.channel,
            recipient: self.to,
            template: self.template,
            variables: self.variables.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        };
        let call = Call::new(Method::POST, "/api/v1/notifications").json(&body).once_under(&key);
        let answer = session.api.fetch(&call).await.inspect_err(|error| key.tell(error, session.output))?;
        listing::show_single::<Accepted>(session, &answer)
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
