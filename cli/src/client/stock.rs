//! `orderflow stock`.

use orderflow_settings::Snapshot;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::http::{ApiRequest, IdempotencyKey, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::session::Session;
use crate::client::{ClientError, ConnectionArgs, Output};

/// The flags and subcommands of `orderflow stock`.
#[derive(clap::Args)]
pub struct StockArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: StockCommand,
}

#[derive(clap::Subcommand)]
enum StockCommand {
    /// Show how many units are available and reserved, of one product or of all.
    #[command(after_help = "Example:\n  orderflow stock get TSHIRT-BLK-M")]
    Get {
        /// The SKU of a product; without it all products are listed.
        #[arg(value_parser = PathSegment::parse, conflicts_with_all = ["limit", "cursor", "all"])]
        sku: Option<PathSegment>,
        #[command(flatten)]
        pages: PageArgs,
    },
    /// Set how many units are available. Reserved units are not changed.
    #[command(after_help = "Example:\n  orderflow stock set TSHIRT-BLK-M 100")]
    Set {
        /// The SKU of the product.
        #[arg(value_parser = PathSegment::parse)]
        sku: PathSegment,
        /// The number of available units.
        units: i64,
    },
    /// Add units to those available, or remove some.
    #[command(after_help = "Example:\n  orderflow stock adjust TSHIRT-BLK-M -3")]
    Adjust {
        /// The SKU of the product.
        #[arg(value_parser = PathSegment::parse)]
        sku: PathSegment,
        /// The number of units to add; a negative number removes units.
        #[arg(allow_negative_numbers = true)]
        units: i64,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum StockChange {
    Set(i64),
    Adjust(i64),
}

#[derive(Deserialize)]
struct Level {
    sku: String,
    available: i64,
    reserved: i64,
}

impl ListItem for Level {
    const MEMBER: &'static str = "inventory";
    const HEADERS: &'static [&'static str] = &["SKU", "AVAILABLE", "RESERVED"];

    fn row(&self) -> Vec<String> {
        vec![self.sku.clone(), self.available.to_string(), self.reserved.to_string()]
    }
}

impl StockArgs {
    pub(crate) async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(environment, output)?;
        let session = &mut session;
        match self.command {
            StockCommand::Get { sku: None, pages } => {
                listing::show::<Level>(session, ApiRequest::list("inventory"), pages).await
            }
            StockCommand::Get { sku: Some(sku), .. } => {
                show_level(session, &ApiRequest::member(Method::GET, "inventory", &sku)).await
            }
            StockCommand::Set { sku, units } => change(session, &sku, StockChange::Set(units)).await,
            StockCommand::Adjust { sku, units } => change(session, &sku, StockChange::Adjust(units)).await,
        }
    }
}

async fn change(
    session: &mut Session<'_>,
    sku: &PathSegment,
    change: StockChange,
) -> Result<(), ClientError> {
    let request = ApiRequest::member(Method::POST, "inventory", sku)
        .json(&change)
        .idempotent(&IdempotencyKey::random());
    show_level(session, &request).await
}

async fn show_level(session: &mut Session<'_>, request: &ApiRequest) -> Result<(), ClientError> {
    let response = session.api.fetch(request).await?;
    listing::show_single::<Level>(session, &response)
}
