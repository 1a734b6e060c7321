//! `orderflow bench`: measures a shop under load. The measurement itself is in `orderflow-lab`.

use std::path::PathBuf;

use orderflow_lab::{BenchArgs, BenchError, Measured};
use orderflow_settings::declared::TOKEN;
use orderflow_settings::{NotAllowed, Setting, Snapshot, read};

use crate::client::{ClientError, Output};
use crate::settings::{FlagSet, SettingFlags};

/// The flags of `orderflow bench`.
#[derive(clap::Args)]
pub struct BenchCommand {
    #[command(flatten)]
    bench: BenchArgs,

    #[command(flatten)]
    flags: SettingFlags<BenchFlags>,
}

enum BenchFlags {}

impl FlagSet for BenchFlags {
    fn settings() -> Vec<&'static Setting> {
        vec![&TOKEN]
    }
}

/// Why there are no figures, or why they are not those of a complete measurement.
#[derive(Debug, thiserror::Error)]
enum BenchFailed {
    /// There are none.
    #[error(transparent)]
    NotMeasured(#[from] BenchError),
    /// They are shown, but the report cannot be written.
    #[error("--report: {} cannot be written: {error}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// They are shown, but orders are missing.
    #[error("{0}")]
    Incomplete(String),
}

/// Measures a shop and prints the figures.
///
/// # Errors
/// If the shop cannot be measured, if orders were refused or not completed in time, or if the figures cannot be written.
pub fn run(command: &BenchCommand, environment: &Snapshot, output: &mut Output) -> anyhow::Result<()> {
    let token = read(&command.flags.over(environment), |reader| {
        let is_sendable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        Ok(reader.optional(&TOKEN, |text| {
            let text = text.trim();
            if is_sendable(text) { Ok(text.to_owned()) } else { Err(NotAllowed) }
        }))
    })?;
    let measured = orderflow_lab::run(&command.bench, token.as_deref()).map_err(BenchFailed::from)?;
    // The figures are shown also if the report cannot be written.
    let reported = write_report(command, &measured);
    let text = if command.bench.json { measured.json() } else { measured.to_string() };
    output.line(text).map_err(ClientError::from)?;
    output.flush().map_err(ClientError::from)?;
    reported?;
    measured.failure().map_or(Ok(()), |failure| Err(BenchFailed::Incomplete(failure).into()))
}

fn write_report(command: &BenchCommand, measured: &Measured) -> Result<(), BenchFailed> {
    let Some(path) = &command.bench.report else { return Ok(()) };
    std::fs::write(path, measured.report()).map_err(|error| BenchFailed::Report { path: path.clone(), error })
}
