//! `orderflow up`: runs the system, or some of its parts, in this process.

mod server;
mod settings;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use orderflow_settings::{Snapshot, read};
use orderflow_system::{Parts, System};
use orderflow_telemetry::MetricsPage;

use crate::serving::Termination;

pub(crate) use server::serve;
pub use settings::{ServeSettings, UpArgs, UpFlags, UpSettings};
pub(crate) use settings::{allowed_hosts, host, refuse_protection};

/// Runs the system until Ctrl-C or SIGTERM.
///
/// # Errors
/// If settings cannot be used or the system cannot start; the message says what to do.
pub fn run(args: &UpArgs, environment: &Snapshot) -> anyhow::Result<()> {
    let settings = read(&args.flags.over(environment), UpSettings::read)?;
    let service = match &settings.only[..] {
        [part] => part.name(),
        _ => "orderflow",
    };
    let _telemetry = orderflow_telemetry::init(service, settings.telemetry.clone())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_system(settings))
}

async fn run_system(settings: UpSettings) -> anyhow::Result<()> {
    // Before the providers are created, so that their first metrics are recorded.
    MetricsPage::install();
    let (serve_settings, parts) = (settings.serve.clone(), settings.parts());
    let listener = serve_settings.listen().await?;
    let system = System::open(settings.open().await).await?;
    if parts == Parts::all() {
        system.add_demo_products().await?;
    }
    // Before the address is announced: the process that reads it may send a signal at once.
    let termination = Termination::listen()?;
    announce(listener.local_addr()?, &parts);
    serve(listener, system, &serve_settings, termination).await
}

/// Returns the address by which this machine reaches a server: a wildcard is no `Host` that it answers to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Prints the address on stdout, for the process that started this one, and commands to try on stderr, for a person.
fn announce(address: SocketAddr, parts: &Parts) {
    crate::serving::announce(address);
    if *parts != Parts::all() {
        return;
    }
    let url = format!("http://{}", reachable(address));
    let body =
        r#"{"customer_id":"C100","email":"c100@example.com","items":[{"sku":"TSHIRT-BLK-M","quantity":2}]}"#;
    // The program starts also if stderr is full, closed or not read.
    crate::serving::print_aside(move || {
        writeln!(
            io::stderr().lock(),
            "Try:\n  curl -s -X POST {url}/api/v1/orders -H 'content-type: application/json' -d '{body}'\n  \
             curl -s '{url}/api/v1/orders?limit=1'\n\
             {url}/docs describes every request and lets you send it."
        )
    });
}
