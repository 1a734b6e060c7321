//! The orders that a command changes: one, or those that match filters.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use orderflow_domain::Timestamp;
use reqwest::Method;
use serde::Deserialize;

use super::view::OrderView;
use crate::client::ClientError;
use crate::client::arguments::parse_duration;
use crate::client::http::{ApiRequest, PathSegment};
use crate::client::session::Session;

/// The statuses of undecided orders: only these can still be cancelled, and nearly all orders that make no progress have one of them.
const UNDECIDED: [&str; 2] = ["pending", "reserved"];

/// The largest page of the API.
const PAGE: u8 = 100;

/// One order, or the undecided orders that match all filters.
#[derive(clap::Args)]
pub(super) struct SelectionArgs {
    /// The id of the order.
    #[arg(value_parser = PathSegment::parse, required_unless_present_any = FILTERS, conflicts_with_all = FILTERS)]
    pub(super) id: Option<PathSegment>,

    /// Every undecided order of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,

    /// Every order with this status.
    #[arg(long, value_parser = PossibleValuesParser::new(UNDECIDED))]
    status: Option<String>,

    /// Every undecided order that contains this product, by its SKU.
    #[arg(long)]
    sku: Option<String>,

    /// Every undecided order that was placed at least this long ago, a number with ms, s, m or h.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    older_than: Option<Duration>,

    /// Show which orders match the filters, and change nothing.
    #[arg(long, conflicts_with = "id")]
    pub(super) dry_run: bool,
}

const FILTERS: [&str; 4] = ["customer", "status", "sku", "older_than"];

#[derive(Deserialize)]
struct Page {
    orders: Vec<OrderView>,
    next_cursor: Option<String>,
}

impl SelectionArgs {
    /// Returns the orders that match the filters.
    ///
    /// # Errors
    /// If the server refuses a request.
    pub(super) async fn find(&self, session: &Session<'_>) -> Result<Vec<OrderView>, ClientError> {
        let mut found = Vec::new();
        let statuses = self.status.as_deref().map_or(UNDECIDED.to_vec(), |status| vec![status]);
        for status in statuses {
            let request = ApiRequest::new(Method::GET, "/api/v1/orders")
                .query("customer_id", self.customer.as_ref())
                .query("status", Some(status))
                .query("sku", self.sku.as_ref())
                .query("limit", Some(PAGE))
                .retried();
            self.find_all(session, &request, &mut found).await?;
        }
        Ok(found)
    }

    async fn find_all(
        &self,
        session: &Session<'_>,
        request: &ApiRequest,
        found: &mut Vec<OrderView>,
    ) -> Result<(), ClientError> {
        let mut cursor: Option<String> = None;
        loop {
            let response = session.api.fetch(&request.clone().query("cursor", cursor.take())).await?;
            let page: Page = response.decode()?;
            found.extend(page.orders.into_iter().filter(|order| self.is_old_enough(order)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns whether the order is as old as the filter asks for. One whose time cannot be read is not.
    fn is_old_enough(&self, order: &OrderView) -> bool {
        let Some(age) = self.older_than else { return true };
        Timestamp::parse(&order.created_at).is_ok_and(|placed| Timestamp::now().since(placed) >= age)
    }
}
