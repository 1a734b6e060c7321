//! `orderflow doctor`: checks whether `orderflow up` can start with the settings that are given, and what other modes would need.

mod broker;
mod check;
mod data;
mod port;
mod report;
mod store;
mod tools;

use orderflow_settings::{Snapshot, read};
use orderflow_store::read_prefix;

use crate::client::output::style::Colours;
use crate::client::{ClientError, Output};
use crate::settings::SettingFlags;
use crate::up::{UpFlags, UpSettings};
use check::{Check, State};
use report::{write_json, write_table};

/// The flags of `orderflow doctor`: those of `orderflow up`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
It takes the flags and variables of `orderflow up`, and checks what these ask for: the port, the data directory and the space on its disk, or
the store and the broker elsewhere with the permissions of the account. Docker, the SAM CLI and cargo-lambda belong to other modes: if one is
absent, its row says what needs it. Nothing is changed.

The exit code is 1 if something fails that the settings ask for, and 2 if a setting cannot be used.

Example:
  orderflow doctor
  orderflow doctor --broker amqp://guest:guest@127.0.0.1:5672/%2f
  orderflow doctor --aws-endpoint http://127.0.0.1:4566 --json")]
pub struct DoctorArgs {
    #[command(flatten)]
    flags: SettingFlags<UpFlags>,

    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Something failed that the settings ask for. The report says what.
#[derive(Debug, thiserror::Error)]
#[error("{}", in_words(.0))]
struct Failed(usize);

fn in_words(failed: &usize) -> String {
    match failed {
        1 => "1 check failed; `orderflow up` needs it with these settings".to_owned(),
        failed => format!("{failed} checks failed; `orderflow up` needs them with these settings"),
    }
}

/// Runs all checks and prints what they found.
///
/// # Errors
/// If settings cannot be used, a check fails, or the report cannot be written.
pub fn run(args: &DoctorArgs, environment: &Snapshot, output: &mut Output) -> anyhow::Result<()> {
    let (settings, prefix) =
        read(&args.flags.over(environment), |reader| Ok((UpSettings::read(reader)?, read_prefix(reader))))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let checks = runtime.block_on(checks(&settings, &prefix));
    let written = if args.json {
        write_json(&checks, output)
    } else {
        write_table(&checks, Colours::of_stdout(environment), output)
    };
    written.and_then(|()| output.flush()).map_err(ClientError::from)?;
    match checks.iter().filter(|check| check.state == State::Failed).count() {
        0 => Ok(()),
        failed => Err(Failed(failed).into()),
    }
}

async fn checks(settings: &UpSettings, prefix: &str) -> Vec<Check> {
    let tools = tokio::task::spawn_blocking(tools::checks);
    let address = (settings.serve.host, settings.serve.port).into();
    let mut checks = vec![port::check(address).await];
    checks.extend(data::checks(&settings.store));
    checks.extend(store::check(&settings.store, prefix).await);
    checks.extend(broker::check(settings.broker.as_ref(), prefix).await);
    checks.extend(tools.await.into_iter().flatten());
    checks
}
