//! `orderflow product`.

use orderflow_domain::{Currency, Money};
use orderflow_settings::declared::CURRENCY;
use orderflow_settings::{NotAllowed, Program, Setting, Snapshot, read};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::http::{ApiRequest, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::session::Session;
use crate::client::{ClientError, ConnectionArgs, Output, parse_price};
use crate::settings::{self, FlagSet, SettingFlags};

/// The flags and subcommands of `orderflow product`.
#[derive(clap::Args)]
pub struct ProductArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: ProductCommand,
}

#[derive(clap::Subcommand)]
enum ProductCommand {
    /// Add a product and its initial stock.
    #[command(
        after_help = "Example:\n  orderflow product add MUG-01 --name Mug --price 7.50 --currency USD \\\n    --stock 100"
    )]
    Add(AddArgs),
    /// List the products.
    #[command(after_help = "Example:\n  orderflow product list --all")]
    List(PageArgs),
    /// Change the name or the price of a product. Orders keep the name and price that they were placed with.
    #[command(after_help = "Example:\n  orderflow product set MUG-01 --price 6.90 --currency USD")]
    Set(SetArgs),
    /// Remove a product from sale. `product add` adds it again, with the stock it has by then.
    #[command(after_help = "Example:\n  orderflow product remove MUG-01")]
    Remove {
        /// The SKU of the product.
        #[arg(value_parser = PathSegment::parse)]
        sku: PathSegment,
    },
}

#[derive(clap::Args)]
struct AddArgs {
    /// The stock keeping unit (SKU) of the product: letters, digits and . _ -
    sku: String,

    /// The name that customers see.
    #[arg(long)]
    name: String,

    #[command(flatten)]
    price: PriceArgs,

    /// The number of units available for sale.
    #[arg(long, value_name = "UNITS", default_value_t = 0)]
    stock: i64,
}

#[derive(clap::Args)]
struct SetArgs {
    /// The SKU of the product.
    #[arg(value_parser = PathSegment::parse)]
    sku: PathSegment,

    /// The new name that customers see.
    #[arg(long, required_unless_present_any = ["price", "amount"])]
    name: Option<String>,

    #[command(flatten)]
    price: PriceArgs,
}

/// A price, in major or in minor units.
#[derive(clap::Args)]
struct PriceArgs {
    /// The price in major units, such as 19.99.
    #[arg(long)]
    price: Option<String>,

    /// The price in minor units (cents), such as 1999.
    #[arg(long, value_name = "MINOR_UNITS", conflicts_with = "price")]
    amount: Option<i64>,

    #[command(flatten)]
    flags: SettingFlags<PriceFlags>,
}

enum PriceFlags {}

impl FlagSet for PriceFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Product)
    }
}

#[derive(Serialize)]
struct NewProduct {
    sku: String,
    name: String,
    price: Money,
    stock: i64,
}

/// The fields to change; a missing field keeps its value.
#[derive(Serialize)]
struct ProductPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
}

#[derive(Deserialize)]
struct ProductView {
    sku: String,
    name: String,
    price: Money,
}

impl ListItem for ProductView {
    const MEMBER: &'static str = "products";
    const HEADERS: &'static [&'static str] = &["SKU", "PRICE", "NAME"];

    fn row(&self) -> Vec<String> {
        vec![self.sku.clone(), self.price.to_string(), self.name.clone()]
    }
}

impl ProductArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let session = &mut session;
        match self.command {
            ProductCommand::Add(add) => add.run(session).await,
            ProductCommand::List(pages) => {
                listing::show::<ProductView>(session, ApiRequest::list("products"), pages).await
            }
            ProductCommand::Set(set) => set.run(session).await,
            ProductCommand::Remove { sku } => remove(session, &sku).await,
        }
    }
}

impl AddArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let product = self.product(session.environment)?;
        let request = ApiRequest::new(Method::POST, "/api/v1/products").json(&product);
        let response = session.api.fetch(&request).await?;
        listing::show_single::<ProductView>(session, &response)
    }

    fn product(self, environment: &Snapshot) -> Result<NewProduct, ClientError> {
        let missing =
            || ClientError::Usage("--price or --amount is missing: a product needs a price".to_owned());
        let price = self.price.read(environment)?.ok_or_else(missing)?;
        Ok(NewProduct { sku: self.sku, name: self.name, price, stock: self.stock })
    }
}

impl SetArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), ClientError> {
        let patch = ProductPatch { name: self.name, price: self.price.read(session.environment)? };
        let request = ApiRequest::member(Method::PATCH, "products", &self.sku).json(&patch).retried();
        let response = session.api.fetch(&request).await?;
        listing::show_single::<ProductView>(session, &response)
    }
}

impl PriceArgs {
    /// Returns the price, or `None` if no flag gives one.
    ///
    /// # Errors
    /// If the price or its currency cannot be used.
    fn read(self, environment: &Snapshot) -> Result<Option<Money>, ClientError> {
        let currency = read(&self.flags.over(environment), |reader| {
            Ok(reader.value(&CURRENCY, |text| Currency::parse(text.trim()).map_err(|_| NotAllowed)))
        })?;
        match (self.price, self.amount) {
            (Some(text), _) => {
                let price = parse_price(&text, &currency);
                price.map(Some).map_err(|error| ClientError::Usage(error.to_string()))
            }
            (None, amount) => Ok(amount.map(|amount| Money { amount, currency })),
        }
    }
}

async fn remove(session: &mut Session<'_>, sku: &PathSegment) -> Result<(), ClientError> {
    session.api.fetch(&ApiRequest::member(Method::DELETE, "products", sku).retried()).await?;
    session.output.note(format!("{} was removed", sku.as_str()));
    Ok(())
}
