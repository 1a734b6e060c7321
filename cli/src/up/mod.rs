//! The whole system in one process.

mod server;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::builder::FalseyValueParser;
use orderflow_domain::Currency;
use orderflow_embedded::Location;
use orderflow_inventory::InventorySettings;
use orderflow_messaging::RetryPolicy;
use orderflow_payments::SimulatedSettings;
use orderflow_telemetry::LogFormat;

use crate::system::{Settings, System};

/// Where the system listens and what it keeps.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:\n  orderflow up --port 8080 --data-dir ./data")]
pub struct UpArgs {
    /// The port that HTTP is served on; 0 picks a free one and prints it.
    #[arg(long, env = "ORDERFLOW_PORT", default_value_t = 8080)]
    pub port: u16,

    /// The address to listen on. Another than loopback needs --insecure while nobody has to sign in.
    #[arg(long, env = "ORDERFLOW_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// The folder that everything is kept in; made at the first start.
    #[arg(long, env = "ORDERFLOW_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// Keep nothing on disk, whatever --data-dir says: all is gone when the program ends.
    #[arg(long, env = "ORDERFLOW_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// Listen on another address than loopback although nobody has to sign in.
    #[arg(long, env = "ORDERFLOW_INSECURE", value_parser = FalseyValueParser::new())]
    pub insecure: bool,

    /// The currency of the shop: all prices are in it.
    #[arg(long, env = "ORDERFLOW_CURRENCY", default_value = "USD")]
    pub currency: String,

    /// How long what is in hand may take to finish after Ctrl-C or SIGTERM.
    #[arg(long, env = "ORDERFLOW_DRAIN_SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,
}

/// Starts the system and runs it until it is told to stop.
///
/// # Errors
/// Where it cannot start, with what to do about it.
pub fn run(args: UpArgs) -> anyhow::Result<()> {
    orderflow_telemetry::init("orderflow", LogFormat::from_env()?)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_system(args))
}

async fn run_system(args: UpArgs) -> anyhow::Result<()> {
    let loopback = args.host.is_loopback();
    if !loopback && !args.insecure {
        bail!(
            "--host {} can be reached by others, and nobody has to sign in; --insecure listens there all the same",
            args.host
        );
    }
    let listener = server::listen((args.host, args.port).into()).await?;
    let system = System::open(settings(&args)?).await?;
    system.sell_demo_products().await?;
    let router = if loopback { system.local_router() } else { system.router() };
    announce(listener.local_addr()?)?;
    let drain = Duration::from_secs(args.drain_seconds);
    server::serve(listener, router, system.start(), drain).await
}

fn settings(args: &UpArgs) -> anyhow::Result<Settings> {
    let location = match args.ephemeral {
        true => Location::Memory,
        false => Location::Directory(args.data_dir.clone()),
    };
    let currency = Currency::parse(&args.currency).map_err(|error| anyhow!("--currency {error}"))?;
    Ok(Settings {
        retry: RetryPolicy::from_environment()?,
        inventory: InventorySettings::from_environment()?,
        payment: SimulatedSettings::from_environment()?,
        currency,
        ..Settings::new(location)
    })
}

/// Says where it listens, on stdout for whoever started it, and what to try, on stderr for a person.
fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let url = format!("http://{address}");
    writeln!(io::stdout().lock(), "listening on {url}")?;
    let body =
        r#"{"customer_id":"C100","email":"c100@example.com","items":[{"sku":"TSHIRT-BLK-M","quantity":2}]}"#;
    writeln!(
        io::stderr().lock(),
        "Try:\n  curl -s -X POST {url}/api/v1/orders -H 'content-type: application/json' -d '{body}'\n  \
         curl -s '{url}/api/v1/orders?limit=1'"
    )?;
    Ok(())
}
