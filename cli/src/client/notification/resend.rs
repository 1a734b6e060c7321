//! `orderflow notification resend`.

use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressDrawTarget};
use orderflow_domain::{Email, Phone};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::ClientError;
use crate::client::http::{ApiRequest, IdempotencyKey, PathSegment};
use crate::client::order::OrderView;
use crate::client::output::Table;
use crate::client::output::question::{can_ask, confirm};
use crate::client::session::{Format, Session};

pub(super) const AFTER_HELP: &str = "\
Each message is sent again as a new one, from its template and the order as it is now; the first one stays in the list of the order. Customers
who were forgotten get none. A command whose request failed can be repeated with the key that it prints: each message is then sent at most once.

Examples:
  orderflow notification resend --order 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow notification resend --customer C100 --channel email --dry-run
  orderflow notification resend --status rejected --sku MUG-01 --yes";

/// The statuses of orders about which customers are notified.
const NOTIFIED: [&str; 3] = ["confirmed", "rejected", "cancelled"];

/// The largest page of the API.
const PAGE: u8 = 100;

/// The messages to send again: those about one order, or about the orders that match all filters.
#[derive(clap::Args)]
pub(super) struct ResendArgs {
    /// The messages about this order.
    #[arg(long, value_name = "ID", value_parser = PathSegment::parse, required_unless_present_any = FILTERS, conflicts_with_all = FILTERS)]
    order: Option<PathSegment>,

    /// The messages about the orders of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,

    /// The messages about the orders with this status.
    #[arg(long, value_parser = PossibleValuesParser::new(NOTIFIED))]
    status: Option<String>,

    /// The messages about the orders that contain this product, by its SKU.
    #[arg(long)]
    sku: Option<String>,

    /// Only messages of this channel.
    #[arg(long, value_parser = PossibleValuesParser::new(["email", "sms"]))]
    channel: Option<String>,

    /// Show which messages match, and send none.
    #[arg(long)]
    dry_run: bool,

    /// Send without asking for confirmation; required for filters without a terminal.
    #[arg(long)]
    yes: bool,

    /// A key of your own for this command: repeated with the same key, it sends each message once.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
}

const FILTERS: [&str; 3] = ["customer", "status", "sku"];

#[derive(Deserialize)]
struct Orders {
    orders: Vec<OrderView>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Sent {
    notifications: Vec<SentMessage>,
}

#[derive(Deserialize)]
struct SentMessage {
    id: String,
    channel: String,
    recipient: String,
    template: String,
}

/// A message to send again.
#[derive(Serialize)]
struct Message {
    channel: String,
    recipient: String,
    template: String,
    variables: Value,
    /// The id of the message that was sent first.
    #[serde(skip)]
    first: String,
    #[serde(skip)]
    order: String,
}

impl ResendArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let is_confirmed = self.yes || self.order.is_some();
        if !is_confirmed && !self.dry_run && !can_ask() {
            let message = "sending messages by filters needs a confirmation, and there is no terminal to ask on: give --yes, or --dry-run to see which messages match";
            return Err(ClientError::Usage(message.to_owned()));
        }
        let mut messages = Vec::new();
        for order in self.orders(session).await? {
            messages.extend(self.messages_about(session, &order).await?);
        }
        if self.dry_run {
            return preview(session, &messages);
        }
        if !is_confirmed && !messages.is_empty() {
            let question = format!("Send {} again?", in_words(messages.len()));
            if !confirm(&question, session.output).await? {
                return Err(ClientError::Declined);
            }
        }
        let key = self.idempotency_key.unwrap_or_else(IdempotencyKey::random);
        send(session, &messages, &key).await
    }

    async fn orders(&self, session: &Session<'_>) -> Result<Vec<OrderView>, ClientError> {
        if let Some(id) = &self.order {
            let order = session.api.fetch(&ApiRequest::member(Method::GET, "orders", id).retried()).await?;
            return Ok(vec![order.decode()?]);
        }
        let request = ApiRequest::list("orders")
            .query("customer_id", self.customer.as_ref())
            .query("status", self.status.as_ref())
            .query("sku", self.sku.as_ref())
            .query("limit", Some(PAGE))
            .retried();
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let response = session.api.fetch(&request.clone().query("cursor", cursor.take())).await?;
            let page: Orders = response.decode()?;
            found.extend(page.orders);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Returns the messages that were sent about an order, made of the order as it is now.
    async fn messages_about(
        &self,
        session: &Session<'_>,
        order: &OrderView,
    ) -> Result<Vec<Message>, ClientError> {
        let request = ApiRequest::list("notifications").query("order_id", Some(&order.id)).retried();
        let sent: Sent = session.api.fetch(&request).await?.decode()?;
        let is_wanted = |message: &SentMessage| {
            self.channel.as_ref().is_none_or(|channel| *channel == message.channel)
                && !is_forgotten(&message.recipient)
        };
        let again = sent.notifications.into_iter().filter(is_wanted).map(|message| Message {
            channel: message.channel,
            recipient: message.recipient,
            template: message.template,
            variables: variables(order),
            first: message.id,
            order: order.id.clone(),
        });
        Ok(again.collect())
    }
}

/// Returns whether the address or number was blanked because the customer is forgotten.
fn is_forgotten(recipient: &str) -> bool {
    let is_email = Email::parse(recipient).is_ok_and(|email| email.is_forgotten());
    is_email || Phone::parse(recipient).is_ok_and(|phone| phone == Phone::forgotten())
}

/// Returns the variables that the templates of an order's messages have.
fn variables(order: &OrderView) -> Value {
    json!({
        "orderId": order.id,
        "total": order.total.to_string(),
        "reason": order.reason.clone().unwrap_or_default(),
        "items": order.items_in_messages(),
    })
}

fn preview(session: &mut Session<'_>, messages: &[Message]) -> Result<(), ClientError> {
    if session.format == Format::Json {
        return session.write_json(&json!({"would_resend": messages.len()}).to_string());
    }
    session.output.note(format_args!("would send {} again; nothing was sent", in_words(messages.len())));
    let rows = messages.iter().map(|message| {
        let Message { order, channel, recipient, template, .. } = message;
        vec![order.clone(), channel.clone(), recipient.clone(), template.clone()]
    });
    Ok(Table::new(&["ORDER", "CHANNEL", "RECIPIENT", "TEMPLATE"]).write(rows.collect(), session.output)?)
}

async fn send(
    session: &mut Session<'_>,
    messages: &[Message],
    key: &IdempotencyKey,
) -> Result<(), ClientError> {
    let bar = ProgressBar::with_draw_target(Some(messages.len() as u64), ProgressDrawTarget::stderr());
    for (sent, message) in messages.iter().enumerate() {
        let own = key.of_part(&message.first);
        let request = ApiRequest::new(Method::POST, "/api/v1/notifications").json(message).idempotent(&own);
        if let Err(error) = session.api.fetch(&request).await {
            bar.finish_and_clear();
            let before = in_words(sent);
            session.output.note(format_args!(
                "sent {before} before the failure; repeat the command with --idempotency-key {} for the rest",
                key.as_str()
            ));
            return Err(error);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    match session.format {
        Format::Json => session.write_json(&json!({"resent": messages.len()}).to_string()),
        Format::Table => Ok(session.output.line(format_args!("sent {} again", in_words(messages.len())))?),
    }
}

fn in_words(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}
