//! `orderflow up`: runs the system, or some of its parts, in this process.

mod args;
mod server;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::anyhow;
use orderflow_bridge::sdk_config;
use orderflow_catalog::CatalogSettings;
use orderflow_domain::Currency;
use orderflow_inventory::InventorySettings;
use orderflow_messaging::RetryPolicy;
use orderflow_notifications::{ProviderSettings, Templates};
use orderflow_orders::ExpirySettings;
use orderflow_payments::PaymentProvider;
use orderflow_store::DEFAULT_PREFIX;
use orderflow_system::{Functions, Parts, Settings, System};
use orderflow_telemetry::{LogFormat, MetricsPage};

use crate::serving::Termination;

pub use args::{ServeArgs, UpArgs};
pub(crate) use server::serve;

/// Runs the system until Ctrl-C or SIGTERM.
///
/// # Errors
/// If it cannot start; the message says what to do.
pub fn run(args: UpArgs) -> anyhow::Result<()> {
    args.check();
    let service = match &args.only[..] {
        [part] => part.name(),
        _ => "orderflow",
    };
    let _telemetry = orderflow_telemetry::init(service, LogFormat::from_env()?)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_system(args))
}

async fn run_system(args: UpArgs) -> anyhow::Result<()> {
    // Before the providers are created, so that their first metrics are recorded.
    MetricsPage::install();
    let listener = args.serve.listen().await?;
    let system = System::open(settings(&args).await?).await?;
    if args.parts() == Parts::all() {
        system.add_demo_products().await?;
    }
    // Before the address is announced: the process that reads it may send a signal at once.
    let termination = Termination::listen()?;
    announce(listener.local_addr()?, &args)?;
    serve(listener, system, &args.serve, termination).await
}

async fn settings(args: &UpArgs) -> anyhow::Result<Settings> {
    let currency = Currency::parse(&args.currency).map_err(|error| anyhow!("--currency {error}"))?;
    let aws_endpoint = args.aws_endpoint.as_ref().map(ToString::to_string);
    let providers = ProviderSettings::from_environment()?.open(sdk_config(aws_endpoint.as_deref())).await;
    Ok(Settings {
        store: args.store_location(),
        prefix: std::env::var("ORDERFLOW_PREFIX").unwrap_or_else(|_| DEFAULT_PREFIX.to_owned()),
        broker: args.broker_location()?,
        parts: args.parts(),
        functions: Functions::InProcess,
        retry: RetryPolicy::from_environment()?,
        catalog: CatalogSettings::from_environment()?,
        inventory: InventorySettings::from_environment()?,
        expiry: ExpirySettings::from_environment()?,
        payment: PaymentProvider::from_environment()?,
        channel: Arc::new(providers),
        templates: Arc::new(Templates::from_environment()?),
        currency,
    })
}

/// Prints the address on stdout, for the process that started this one, and commands to try on stderr, for a person.
fn announce(address: SocketAddr, args: &UpArgs) -> anyhow::Result<()> {
    let url = crate::serving::announce(address)?;
    if args.parts() != Parts::all() {
        return Ok(());
    }
    let body =
        r#"{"customer_id":"C100","email":"c100@example.com","items":[{"sku":"TSHIRT-BLK-M","quantity":2}]}"#;
    writeln!(
        io::stderr().lock(),
        "Try:\n  curl -s -X POST {url}/api/v1/orders -H 'content-type: application/json' -d '{body}'\n  \
         curl -s '{url}/api/v1/orders?limit=1'\n\
         {url}/docs describes every request and lets you send it."
    )?;
    Ok(())
}
