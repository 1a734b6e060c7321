//! `orderflow order place`.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

use super::item::Item;
use super::poll::OrderPoll;
use super::view::{self, OrderView};
use crate::client::ClientError;
use crate::client::answer::Answer;
use crate::client::call::{Call, Segment};
use crate::client::connection::Session;
use crate::client::duration::parse_duration;
use crate::client::key::IdempotencyKey;

pub(crate) const AFTER_HELP: &str = "\
With --wait the exit code is 0 when the order ended within --timeout, whichever way: its status tells how.

Examples:
  orderflow order place --customer C100 --email c100@example.com --item TSHIRT-BLK-M:2 --wait
  orderflow order place --customer C100 --email c100@example.com --item PRODUCT-001 --item PRODUCT-002:3 --json";

/// The order to place.
#[derive(clap::Args)]
pub(crate) struct PlaceArgs {
    /// Whose order it is.
    #[arg(long, value_name = "ID")]
    customer: String,

    /// Where its messages go.
    #[arg(long)]
    email: String,

    /// Where its short messages go, in international form such as +4930123456.
    #[arg(long)]
    phone: Option<String>,

    /// A product and how many of it, 1 where nothing is said. May be repeated, up to 50 times.
    #[arg(long = "item", value_name = "SKU[:QUANTITY]", required = true)]
    items: Vec<Item>,

    /// What the charge goes to. The simulated provider declines tok_declined.
    #[arg(long, value_name = "TOKEN")]
    payment_token: Option<String>,

    /// Names this order: sent again under the same key, it is still one order. Without it a random key makes this
    /// command's own retries safe.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,

    /// Wait until the order ended and show it then.
    #[arg(long)]
    wait: bool,

    /// How long --wait waits: a number with ms, s, m or h.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,
}

#[derive(Serialize)]
struct OrderBody<'a> {
    customer_id: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    items: &'a [Item],
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_token: Option<&'a str>,
}

impl PlaceArgs {
    pub(crate) async fn run(mut self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let key = self.idempotency_key.take();
        let key = key.unwrap_or_else(IdempotencyKey::random);
        let call = Call::new(Method::POST, "/api/v1/orders").json(&self.body()).once_under(&key);
        let placed = match session.api.fetch(&call).await {
            Ok(placed) => placed,
            Err(error) => {
                key.tell(&error, session.output);
                return Err(error);
            }
        };
        if self.wait { self.show_when_ended(session, placed).await } else { view::show(session, &placed) }
    }

    fn body(&self) -> OrderBody<'_> {
        OrderBody {
            customer_id: &self.customer,
            email: &self.email,
            phone: self.phone.as_deref(),
            items: &self.items,
            payment_token: self.payment_token.as_deref(),
        }
    }

    async fn show_when_ended(&self, session: &mut Session<'_>, placed: Answer) -> Result<(), ClientError> {
        let mut order: OrderView = placed.decode()?;
        let id = Segment::parse(&order.id).map_err(|_| placed.foreign(None))?;
        session.output.note(format_args!("order {} is placed; waiting", id.as_str()));
        let mut latest = placed;
        let ending = async {
            let mut poll = OrderPoll::new(&session.api, &id, None);
            while !order.has_ended() {
                poll.pause().await;
                if let Some(answer) = poll.look().await? {
                    order = answer.decode()?;
                    latest = answer;
                }
            }
            Ok::<_, ClientError>(())
        };
        let ended = tokio::time::timeout(self.timeout, ending).await;
        // What is known of the order is shown in any case: its id must not be lost.
        view::show(session, &latest)?;
        ended.unwrap_or(Err(ClientError::StillOpen {
            id: order.id,
            status: order.status,
            waited: self.timeout,
        }))
    }
}
