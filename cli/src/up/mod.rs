//! `orderflow up`: runs the system, or some of its parts, in this process.

mod server;
mod settings;
mod welcome;

use std::io::{self, Write};

use orderflow_settings::{Snapshot, read};
use orderflow_system::{Parts, System};
use orderflow_telemetry::MetricsPage;

use crate::serving::Termination;

pub(crate) use server::serve;
pub(crate) use settings::{OPEN_ADDRESS, allowed_hosts, host, refuse_protection};
pub use settings::{ServeSettings, UpArgs, UpFlags, UpSettings};

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
    let store = settings.store.clone();
    let listener = serve_settings.listen().await?;
    let system = System::open(settings.open().await).await?;
    if parts == Parts::all() {
        system.add_demo_products().await?;
    }
    // Before the address is announced: the process that reads it may send a signal at once.
    let termination = Termination::listen()?;
    let address = listener.local_addr()?;
    crate::serving::announce(address);
    if parts == Parts::all() {
        let welcome = welcome::text(address, &store);
        // The program starts also if stderr is full, closed or not read.
        crate::serving::print_aside(move || io::stderr().lock().write_all(welcome.as_bytes()));
    }
    serve(listener, system, &serve_settings, termination).await
}
