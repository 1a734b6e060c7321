//! `orderflow product`.

use orderflow_domain::{Currency, Money};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::connection::Session;
use super::listing::{self, Listed, PageArgs};
use super::{ClientError, ConnectionArgs, Output, parse_price};

/// `orderflow product` and what stands behind it.
#[derive(clap::Args)]
pub struct ProductArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: ProductCommand,
}

#[derive(clap::Subcommand)]
enum ProductCommand {
    /// Add a product, with its first stock.
    #[command(
        after_help = "Example:\n  orderflow product add MUG-01 --name Mug --price 7.50 --currency USD --stock 100"
    )]
    Add(AddArgs),
    /// List the products that are sold.
    #[command(after_help = "Example:\n  orderflow product list --all")]
    List(PageArgs),
}

#[derive(clap::Args)]
struct AddArgs {
    /// The product's stock keeping unit: letters, digits and . _ -
    sku: String,

    /// The name that customers see.
    #[arg(long)]
    name: String,

    /// The price in major units, such as 19.99.
    #[arg(long, required_unless_present = "amount")]
    price: Option<String>,

    /// The price in minor units (cents), such as 1999.
    #[arg(long, value_name = "MINOR_UNITS", conflicts_with = "price")]
    amount: Option<i64>,

    /// The shop's currency by its ISO 4217 code.
    #[arg(long, env = "ORDERFLOW_CURRENCY", default_value = "USD", value_parser = Currency::parse)]
    currency: Currency,

    /// How many units there are to sell.
    #[arg(long, value_name = "UNITS", default_value_t = 0)]
    stock: i64,
}

#[derive(Serialize)]
struct NewProduct {
    sku: String,
    name: String,
    price: Money,
    stock: i64,
}

#[derive(Deserialize)]
struct ProductView {
    sku: String,
    name: String,
    price: Money,
}

impl Listed for ProductView {
    const MEMBER: &'static str = "products";
    const HEADERS: &'static [&'static str] = &["SKU", "PRICE", "NAME"];

    fn row(&self) -> Vec<String> {
        vec![self.sku.clone(), self.price.to_string(), self.name.clone()]
    }
}

impl ProductArgs {
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        match self.command {
            ProductCommand::Add(add) => add.run(&mut session).await,
            ProductCommand::List(pages) => {
                listing::show::<ProductView>(&mut session, Call::list("products"), pages).await
            }
        }
    }
}

impl AddArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let product = self.product()?;
        let call = Call::new(Method::POST, "/api/v1/products").json(&product);
        let answer = session.api.fetch(&call).await?;
        listing::show_single::<ProductView>(session, &answer)
    }

    fn product(self) -> Result<NewProduct, ClientError> {
        let price = match (self.price, self.amount) {
            (Some(text), _) => {
                parse_price(&text, &self.currency).map_err(|error| ClientError::Usage(error.to_string()))?
            }
            (None, amount) => Money { amount: amount.unwrap_or_default(), currency: self.currency },
        };
        Ok(NewProduct { sku: self.sku, name: self.name, price, stock: self.stock })
    }
}
