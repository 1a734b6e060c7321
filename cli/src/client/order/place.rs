//! `orderflow order place`.

use std::str::FromStr;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

use super::poll::OrderPoll;
use super::view::{self, OrderView};
use crate::client::ClientError;
use crate::client::arguments::parse_duration;
use crate::client::http::{ApiRequest, ApiResponse, IdempotencyKey, PathSegment};
use crate::client::session::Session;

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
        let request = ApiRequest::new(Method::POST, "/api/v1/orders").json(&self.body()).idempotent(&key);
        let placed = match session.api.fetch(&request).await {
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

    async fn show_when_ended(
        &self,
        session: &mut Session<'_>,
        placed: ApiResponse,
    ) -> Result<(), ClientError> {
        let mut order: OrderView = placed.decode()?;
        let id = PathSegment::parse(&order.id).map_err(|_| placed.unexpected(None))?;
        session.output.note(format_args!("order {} is placed; waiting", id.as_str()));
        let mut latest = placed;
        let ending = async {
            let mut poll = OrderPoll::new(&session.api, &id, None);
            while !order.has_ended() {
                poll.pause().await;
                if let Some(response) = poll.look().await? {
                    order = response.decode()?;
                    latest = response;
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

/// A product and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Item {
    sku: String,
    quantity: i64,
}

/// The text is no [`Item`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a sku, or a sku and a quantity such as TSHIRT-BLK-M:2")]
struct ItemError;

impl FromStr for Item {
    type Err = ItemError;

    fn from_str(text: &str) -> Result<Self, ItemError> {
        let (sku, quantity) = match text.split_once(':') {
            Some((sku, quantity)) => (sku, quantity.parse().map_err(|_| ItemError)?),
            None => (text, 1),
        };
        if sku.is_empty() {
            return Err(ItemError);
        }
        Ok(Self { sku: sku.to_owned(), quantity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items() {
        for (text, sku, quantity) in [("A", "A", 1), ("A:2", "A", 2), ("a-1:0", "a-1", 0)] {
            let item: Item = text.parse().unwrap();
            assert_eq!((item.sku.as_str(), item.quantity), (sku, quantity));
        }
        for bad in ["", ":", ":2", "A:", "A:x", "A:1:2", "A:1.5", "A: 2"] {
            assert_eq!(bad.parse::<Item>(), Err(ItemError), "{bad:?}");
        }
    }
}
