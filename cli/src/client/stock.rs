//! `orderflow stock`.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::http::{ApiRequest, IdempotencyKey, PathSegment};
use crate::client::output::listing::{self, ListItem, PageArgs};
use crate::client::session::Session;
use crate::client::{ClientError, ConnectionArgs, Output};

/// `orderflow stock` and what stands behind it.
#[derive(clap::Args)]
pub struct StockArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: StockCommand,
}

#[derive(clap::Subcommand)]
enum StockCommand {
    /// Show what is available and reserved, of one product or of all.
    #[command(after_help = "Example:\n  orderflow stock get TSHIRT-BLK-M")]
    Get {
        /// The product; without it all are listed.
        #[arg(value_parser = PathSegment::parse, conflicts_with_all = ["limit", "cursor", "all"])]
        sku: Option<PathSegment>,
        #[command(flatten)]
        pages: PageArgs,
    },
    /// Set how many units are available; what is reserved stays.
    #[command(after_help = "Example:\n  orderflow stock set TSHIRT-BLK-M 100")]
    Set {
        /// The product.
        #[arg(value_parser = PathSegment::parse)]
        sku: PathSegment,
        /// How many units are available from now on.
        units: i64,
    },
    /// Add to the available units, or take from them.
    #[command(after_help = "Example:\n  orderflow stock adjust TSHIRT-BLK-M -3")]
    Adjust {
        /// The product.
        #[arg(value_parser = PathSegment::parse)]
        sku: PathSegment,
        /// How many units more, or with a minus sign less.
        #[arg(allow_negative_numbers = true)]
        units: i64,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
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
    pub(crate) async fn run(self, output: &mut Output) -> Result<(), ClientError> {
        let mut session = self.connection.open(output)?;
        let session = &mut session;
        match self.command {
            StockCommand::Get { sku: None, pages } => {
                listing::show::<Level>(session, ApiRequest::list("inventory"), pages).await
            }
            StockCommand::Get { sku: Some(sku), .. } => {
                show_level(session, &ApiRequest::member(Method::GET, "inventory", &sku)).await
            }
            StockCommand::Set { sku, units } => change(session, &sku, Change::Set(units)).await,
            StockCommand::Adjust { sku, units } => change(session, &sku, Change::Adjust(units)).await,
        }
    }
}

async fn change(session: &mut Session<'_>, sku: &PathSegment, change: Change) -> Result<(), ClientError> {
    let request = ApiRequest::member(Method::POST, "inventory", sku)
        .json(&change)
        .idempotent(&IdempotencyKey::random());
    show_level(session, &request).await
}

async fn show_level(session: &mut Session<'_>, request: &ApiRequest) -> Result<(), ClientError> {
    let response = session.api.fetch(request).await?;
    listing::show_single::<Level>(session, &response)
}
