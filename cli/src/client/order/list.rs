//! `orderflow order list`.

use clap::builder::PossibleValuesParser;
use orderflow_domain::OrderStatus;

use super::view::OrderView;
use crate::client::ClientError;
use crate::client::call::Call;
use crate::client::connection::Session;
use crate::client::listing::{self, Listed, PageArgs};

/// The filters; an order must match all that are given.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// Only orders of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,

    /// Only orders with this status.
    #[arg(long, value_parser = PossibleValuesParser::new(OrderStatus::NAMES))]
    status: Option<String>,

    /// Only orders that hold this product.
    #[arg(long)]
    sku: Option<String>,

    #[command(flatten)]
    pages: PageArgs,
}

impl Listed for OrderView {
    const MEMBER: &'static str = "orders";
    const HEADERS: &'static [&'static str] = &["ORDER", "STATUS", "TOTAL", "PLACED", "CUSTOMER"];

    fn row(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.standing(),
            self.total.to_string(),
            self.created_at.clone(),
            self.customer_id.clone(),
        ]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let call = Call::list("orders")
            .query("customer_id", self.customer)
            .query("status", self.status)
            .query("sku", self.sku);
        listing::show::<OrderView>(session, call, self.pages).await
    }
}
