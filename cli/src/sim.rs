//! `orderflow sim`: runs the system under faults and checks what it promises. The simulation itself is in `orderflow-lab`.

use orderflow_lab::sim::{SimArgs, simulate};

use crate::client::{ClientError, Output};

/// A promise was broken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct PromiseBroken(String);

/// Runs seeds and prints what was found.
///
/// # Errors
/// If the run cannot start, if a promise was broken, or if the report cannot be written.
pub fn run(args: &SimArgs, output: &mut Output) -> anyhow::Result<()> {
    let report = simulate(args)?;
    let text = if args.json { report.json() } else { report.to_string() };
    output.line(text.trim_end()).map_err(ClientError::from)?;
    output.flush().map_err(ClientError::from)?;
    report.failure().map_or(Ok(()), |failure| Err(PromiseBroken(failure).into()))
}
