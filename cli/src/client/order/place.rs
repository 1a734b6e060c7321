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
With --wait the exit code is 0 if the order ended within --timeout, whether confirmed, rejected or cancelled: its status shows which.

Examples:
  orderflow order place --customer C100 --email c100@example.com \\
    --item TSHIRT-BLK-M:2 --wait
  orderflow order place --customer C100 --email c100@example.com \\
    --item PRODUCT-001 --item PRODUCT-002:3 --json";

/// The order to place.
#[derive(clap::Args)]
pub(crate) struct PlaceArgs {
    /// The id of the customer.
    #[arg(long, value_name = "ID")]
    customer: String,

    /// The e-mail address for messages about the order.
    #[arg(long)]
    email: String,

    /// The telephone number for text messages, in international form such as +4930123456.
    #[arg(long)]
    phone: Option<String>,

    /// A product and its quantity, by default 1; repeat the flag for up to 50 products.
    #[arg(long = "item", value_name = "SKU[:QUANTITY]", required = true)]
    items: Vec<Item>,

    /// The token of the payment method to charge. The simulated provider declines tok_declined.
    #[arg(long, value_name = "TOKEN")]
    payment_token: Option<String>,

    /// A key of your own for this order: repeated with the same key, the command places one order. Without it a random key makes the
    /// retries within this command safe.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,

    /// Wait until the order has ended, then show it.
    #[arg(long)]
    wait: bool,

    /// The time limit of --wait: a number with ms, s, m or h.
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
                key.explain_retry(&error, session.output);
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
        session.output.note(format_args!("order {} is placed; waiting for it to end", id.as_str()));
        let mut latest = placed;
        let ending = async {
            let mut poll = OrderPoll::new(&session.api, &id, true);
            while !order.has_ended() {
                poll.wait().await;
                if let Some(response) = poll.changed(session.output).await? {
                    order = response.decode()?;
                    latest = response;
                }
            }
            Ok::<_, ClientError>(())
        };
        let ended = tokio::time::timeout(self.timeout, ending).await;
        // Shown after a timeout or an error too: the user needs the id.
        view::show(session, &latest)?;
        ended.unwrap_or(Err(ClientError::StillUndecided {
            id: order.id,
            status: order.status,
            waited: self.timeout,
        }))
    }
}

/// The value of one `--item`: a product and its quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Item {
    sku: String,
    quantity: i64,
}

/// The text is not an [`Item`].
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
    fn an_item_is_a_sku_with_an_optional_quantity() {
        for (text, sku, quantity) in [("A", "A", 1), ("A:2", "A", 2), ("a-1:0", "a-1", 0)] {
            let item: Item = text.parse().unwrap();
            assert_eq!((item.sku.as_str(), item.quantity), (sku, quantity));
        }
        for bad in ["", ":", ":2", "A:", "A:x", "A:1:2", "A:1.5", "A: 2"] {
            assert_eq!(bad.parse::<Item>(), Err(ItemError), "{bad:?}");
        }
    }
}
