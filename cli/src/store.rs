//! `orderflow store`: the embedded DynamoDB over HTTP, for several processes of one machine.
//!
//! It creates no tables: the processes that use them do. Beside answering requests it trims the streams of the tables.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::bail;
use axum::Router;
use clap::builder::FalseyValueParser;
use orderflow_embedded::{Embedded, Location};
use orderflow_http::{HealthCheck, health_router, metrics_router};
use orderflow_system::Trimming;
use orderflow_telemetry::{LogFormat, MetricsPage};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::serving::{self, ANSWER_TIMEOUT, Termination};

/// The flags of `orderflow store`: where it listens, and where it keeps the data.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Any AWS SDK can use it as its endpoint URL, with any region and any credentials.

Example:
  orderflow store --port 8000 --data-dir ./data
  aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000")]
pub struct StoreArgs {
    /// The port to listen on; 0 picks a free one and prints it.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,

    /// The address to listen on. An address other than loopback needs --insecure, since signatures are not checked.
    #[arg(long, env = "ORDERFLOW_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// The data directory; created at the first start.
    #[arg(long, env = "ORDERFLOW_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// Keep all data in memory and ignore --data-dir: the data is lost when the program ends.
    #[arg(long, env = "ORDERFLOW_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// Allow an address other than loopback, although every client that can connect can read and write all data.
    #[arg(long, env = "ORDERFLOW_INSECURE", value_parser = FalseyValueParser::new())]
    pub insecure: bool,
}

/// Serves the store until Ctrl-C or SIGTERM.
///
/// # Errors
/// If it cannot start; the message says what to do.
pub fn run(args: StoreArgs) -> anyhow::Result<()> {
    let _telemetry = orderflow_telemetry::init("store", LogFormat::from_env()?)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_store(args))
}

async fn run_store(args: StoreArgs) -> anyhow::Result<()> {
    if !args.insecure {
        serving::require_loopback(args.host)?;
    }
    let listener = serving::listen((args.host, args.port).into()).await?;
    let embedded = Embedded::open(location(args))?;
    let termination = Termination::listen()?;
    serving::announce(listener.local_addr()?)?;
    let trimming = tokio::spawn(Trimming::new(embedded.clone()).run());
    let served = serve(listener, router(&embedded), termination).await;
    trimming.abort();
    served
}

fn location(args: StoreArgs) -> Location {
    match args.ephemeral {
        true => Location::Memory,
        false => Location::Directory(args.data_dir),
    }
}

fn router(embedded: &Embedded) -> Router {
    let client = embedded.dynamodb();
    let store = HealthCheck::new("store", move || {
        let tables = client.list_tables().limit(1);
        async move { tables.send().await.is_ok() }
    });
    let metrics = metrics_router(|| MetricsPage::install().render());
    embedded.router().merge(health_router(vec![store], Vec::new())).merge(metrics)
}

/// Serves until Ctrl-C or SIGTERM, then answers the requests that have arrived. A second signal ends the program at once.
async fn serve(listener: TcpListener, router: Router, mut termination: Termination) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let mut server = serving::serve(listener, router, stopped);
    tokio::select! {
        () = termination.signalled() => {}
        ended = &mut server => bail!("the HTTP server ended unexpectedly: {ended:?}"),
    }
    tracing::info!("stopping after open requests are answered");
    stop.send_replace(true);
    tokio::select! {
        _ = &mut server => tracing::info!("stopped"),
        () = tokio::time::sleep(ANSWER_TIMEOUT) => tracing::warn!("stopped with a connection still open"),
        () = termination.signalled() => tracing::warn!("stopped at once by a second signal"),
    }
    Ok(())
}
