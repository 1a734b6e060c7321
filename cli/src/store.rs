//! `orderflow store`: the embedded store over HTTP, as DynamoDB, for several processes of one machine.
//!
//! It creates no tables: the processes that use them do. Beside answering requests it trims the streams of the tables.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use axum::Router;
use orderflow_engine::Engine;
use orderflow_http::{CorsOrigins, Guard, HealthCheck, health_router, metrics_router};
use orderflow_server::{Deadlines, with_deadlines};
use orderflow_settings::{Program, Reader, Refused, Setting, Snapshot, read};
use orderflow_system::{EmbeddedStore, Trimming, protocol_of};
use orderflow_telemetry::{MetricsPage, TelemetrySettings};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::serving::{self, ANSWER_TIMEOUT, Termination};
use crate::settings::{self, FlagSet, SettingFlags};
use crate::up::{OPEN_ADDRESS, allowed_hosts, host, refuse_protection};

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

    /// The settings that have a flag.
    #[command(flatten)]
    pub flags: SettingFlags<StoreFlags>,
}

/// The settings that have a flag in `orderflow store`.
pub enum StoreFlags {}

impl FlagSet for StoreFlags {
    fn settings() -> Vec<&'static Setting> {
        settings::flags_of(Program::Store)
    }
}

/// Every setting of `orderflow store`.
pub struct StoreSettings {
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// The address to listen on.
    pub host: IpAddr,
    /// The requests that the store answers.
    pub guard: Guard,
    /// Where the data is, and how durable it is.
    pub store: EmbeddedStore,
}

impl StoreSettings {
    /// Reads the settings. An address other than loopback needs `--insecure`, since signatures are not checked.
    ///
    /// # Errors
    /// Never: no setting is required. The reader collects bad values.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let telemetry = TelemetrySettings::read(reader);
        let host = host(reader, OPEN_ADDRESS);
        refuse_protection(reader);
        let guard = Guard::new(allowed_hosts(reader, host), CorsOrigins::default());
        Ok(Self { telemetry, host, guard, store: settings::embedded(reader) })
    }
}

/// Serves the store until Ctrl-C or SIGTERM.
///
/// # Errors
/// If settings cannot be used or the store cannot start; the message says what to do.
pub fn run(args: &StoreArgs, environment: &Snapshot) -> anyhow::Result<()> {
    let settings = read(&args.flags.over(environment), StoreSettings::read)?;
    let _telemetry = orderflow_telemetry::init("store", settings.telemetry)?;
    let address = (settings.host, args.port).into();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run_store(address, settings.guard, settings.store))
}

async fn run_store(address: SocketAddr, guard: Guard, store: EmbeddedStore) -> anyhow::Result<()> {
    // Before the first request, so that it is counted.
    MetricsPage::install();
    let listener = serving::listen(address).await?;
    let engine = store.open()?;
    let termination = Termination::listen()?;
    serving::announce(listener.local_addr()?);
    let trimming = tokio::spawn(Trimming::new(Arc::new(engine.clone())).run());
    let served = serve(listener, guard.protect(router(&engine)), termination).await;
    trimming.abort();
    served
}

fn router(engine: &Engine) -> Router {
    let probed = engine.clone();
    let store = HealthCheck::new("store", move || {
        let probed = probed.clone();
        async move { probed.probe().await }
    });
    let metrics = metrics_router(|| MetricsPage::install().render());
    let routes = protocol_of(engine.clone()).merge(health_router(store)).merge(metrics);
    with_deadlines(routes, deadlines())
}

/// The deadlines of the store, which rewrites the whole database in one request when a customer is forgotten.
fn deadlines() -> Deadlines {
    Deadlines { handler: Duration::from_secs(300), ..Deadlines::default() }
}

/// Serves until Ctrl-C or SIGTERM, then answers the requests that have arrived. A second signal ends the program at once.
async fn serve(listener: TcpListener, router: Router, mut termination: Termination) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let mut server = serving::serve(listener, router, deadlines(), stopped);
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
