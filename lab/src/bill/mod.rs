//! What a confirmed order costs on AWS. This is `orderflow bill`.
//!
//! The functions of the deployment run in this process over an embedded store. They are called with the batches that the triggers of template.yaml would
//! make, one call at a time, and everything that AWS bills is counted on the way: the units of each request to a table
//! (`units`, `meter`), requests to SNS and SQS (`deployment`), calls of Lambda and their time, and what the functions log (`logs`).

mod deployment;
mod error;
mod logs;
mod meter;
mod prices;
mod statement;
mod units;
mod usage;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, value_parser};
use orderflow_engine::{Engine, Location, Options};
use serde_json::json;

use crate::BenchError;
use deployment::Deployment;
use logs::LogBytes;
use prices::Prices;
use usage::Usage;

pub use error::BillError;
pub use statement::Bill;

/// The number of messages in a batch of a busy system. It is the most that one request to SNS or SQS takes.
const BUSY: usize = 10;

/// Flags of `orderflow bill`.
#[derive(Debug, Clone, Args)]
pub struct BillArgs {
    /// How many orders are placed for the figures
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=100_000))]
    orders: u32,

    /// How many products the orders are spread over, one line for each order
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=1_000))]
    products: u32,

    /// A file with other prices, of the shape of the built-in ones
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the orders with full batches and with batches of one message, and prices what they used.
///
/// # Errors
/// [`BillError`] if a flag cannot be used, or an order is not confirmed.
pub fn bill(args: &BillArgs) -> Result<Bill, BillError> {
    let prices = Prices::read(args.prices.as_deref())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::from)?;
    let logged = LogBytes::default();
    let run = |fill| logged.count(|| runtime.block_on(orders(args, fill, &logged)));
    let (busy, quiet) = (run(BUSY)?, run(1)?);
    Ok(Bill::new(&prices, args.orders, args.products, (BUSY, &busy), (1, &quiet)))
}

/// Places orders and has them processed with batches of this size. Returns what that used.
async fn orders(args: &BillArgs, fill: usize, logged: &LogBytes) -> Result<Usage, BillError> {
    let engine =
        Engine::open(Options::new(Location::Memory)).map_err(|error| BillError::Open(error.to_string()))?;
    let mut deployment = Deployment::open(Arc::new(engine), fill, logged.clone()).await?;
    for product in 0..args.products {
        let price = json!({"amount": 1_999, "currency": "USD"});
        let product = json!({"sku": sku(product), "name": "A product", "price": price, "stock": 1_000_000});
        deployment.add_product(product.to_string()).await?;
    }
    // Not part of the figures: the products, and what is cached from then on.
    let mut chance = fastrand::Rng::with_seed(1);
    deployment.process((0..fill).map(|_| order(&mut chance, args.products)).collect()).await?;
    deployment.take_usage();
    logged.take();
    let placed = args.orders as usize;
    let mut left = placed;
    while left > 0 {
        let bodies = (0..fill.min(left)).map(|_| order(&mut chance, args.products)).collect();
        deployment.process(bodies).await?;
        left = left.saturating_sub(fill);
    }
    let mut usage = deployment.take_usage();
    usage.log_bytes = logged.take();
    let confirmed = deployment.orders_in("confirmed").await?;
    if confirmed == placed + fill {
        Ok(usage)
    } else {
        Err(BillError::NotConfirmed { placed: placed + fill, confirmed })
    }
}

fn sku(number: u32) -> String {
    format!("PRODUCT-{number:03}")
}

fn order(chance: &mut fastrand::Rng, products: u32) -> String {
    let customer = chance.u32(..10_000);
    let lines = json!([{"sku": sku(chance.u32(..products)), "quantity": 1}]);
    json!({"customer_id": format!("C{customer}"), "email": format!("c{customer}@example.com"), "items": lines}).to_string()
}
