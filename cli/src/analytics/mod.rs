//! `orderflow analytics`: what the shop sold, asked of a running system, and counted anew from its tables.

mod rebuild;
mod summary;

use crate::client::{ClientError, Output};

/// `orderflow analytics` and what stands behind it.
#[derive(clap::Args)]
pub struct AnalyticsArgs {
    #[command(subcommand)]
    command: AnalyticsCommand,
}

#[derive(clap::Subcommand)]
enum AnalyticsCommand {
    /// Show how many orders there were, how they stand, and what was sold.
    #[command(after_help = summary::AFTER_HELP)]
    Summary(summary::SummaryArgs),
    /// Count everything anew from the orders.
    #[command(after_help = rebuild::AFTER_HELP)]
    Rebuild(rebuild::RebuildArgs),
}

/// Why a command on analytics failed.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// What may befall every client command.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nothing was counted anew.
    #[error(transparent)]
    Rebuild(anyhow::Error),
}

impl From<std::io::Error> for AnalyticsError {
    fn from(error: std::io::Error) -> Self {
        Self::Client(error.into())
    }
}

/// Runs one command to its end.
///
/// # Errors
/// Any [`AnalyticsError`].
pub fn run(args: AnalyticsArgs, output: &mut Output) -> Result<(), AnalyticsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            AnalyticsCommand::Summary(summary) => summary.run(output).await.map_err(AnalyticsError::from),
            AnalyticsCommand::Rebuild(rebuild) => rebuild.run(output).await,
        }
    })?;
    output.flush()?;
    Ok(())
}
