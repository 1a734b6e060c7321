//! `orderflow dlq`: dead letters, looked at and put right by a person.
//!
//! All of it works through [`QueueAdmin`](orderflow_messaging::QueueAdmin): over HTTP at a running system, whatever its broker is, or straight at RabbitMQ or SQS, also while
//! the system is down. Each command may be stopped or run twice: what it did not get to is where it was.

use std::path::PathBuf;
use std::{fmt, io};

use connection::ConnectionArgs;
use orderflow_messaging::AdminError;

use crate::client::{ClientError, Output};

mod connection;
mod edit;
mod http_admin;
mod inspect;
mod letter;
mod purge;
mod replay;
mod selection;
mod terminal;

/// `orderflow dlq` and what stands behind it.
#[derive(clap::Args)]
#[command(after_help = "\
A dead letter is an event that a consumer could not deal with. A person finds out why, puts that right, and replays it.

Example:
  orderflow dlq list
  orderflow dlq show payment 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow dlq replay payment --code declined

--url asks a running system; --broker goes straight at its RabbitMQ and --aws-endpoint at its queues on SQS, which also works
while the system is down. Given as flags they exclude each other. A flag goes before the environment; of the environment,
ORDERFLOW_URL before ORDERFLOW_BROKER, and that before ORDERFLOW_AWS_ENDPOINT.")]
pub struct DlqArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: DlqCommand,
}

#[derive(clap::Subcommand)]
enum DlqCommand {
    /// Count dead letters by consumer and code; of one consumer or code, list them too.
    #[command(after_help = inspect::LIST_AFTER_HELP)]
    List(inspect::ListArgs),
    /// Show a dead letter: what happened to it, and its event.
    #[command(after_help = inspect::SHOW_AFTER_HELP)]
    Show(inspect::ShowArgs),
    /// Correct the event of a dead letter in your editor.
    #[command(after_help = edit::AFTER_HELP)]
    Edit(edit::EditArgs),
    /// Give dead letters back to their consumer.
    #[command(after_help = replay::AFTER_HELP)]
    Replay(replay::ReplayArgs),
    /// Delete dead letters for good.
    #[command(after_help = purge::AFTER_HELP)]
    Purge(purge::PurgeArgs),
}

/// Runs one command to its end.
///
/// # Errors
/// Any [`DlqError`].
pub fn run(args: DlqArgs, output: &mut Output) -> Result<(), DlqError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(args.run(output));
    // A question that nobody answers is still being waited for.
    runtime.shutdown_background();
    done?;
    output.flush()?;
    Ok(())
}

impl DlqArgs {
    async fn run(self, output: &mut Output) -> Result<(), DlqError> {
        if let DlqCommand::Purge(purge) = &self.command {
            purge.check()?;
        }
        let mut queues = self.connection.open(output).await?;
        let done = match self.command {
            DlqCommand::List(list) => list.run(&mut queues).await,
            DlqCommand::Show(show) => show.run(&mut queues).await,
            DlqCommand::Edit(edit) => edit.run(&mut queues).await,
            DlqCommand::Replay(replay) => replay.run(&mut queues).await,
            DlqCommand::Purge(purge) => purge.run(&mut queues).await,
        };
        queues.close().await;
        done
    }
}

/// Why a command on dead letters failed.
#[derive(Debug, thiserror::Error)]
pub enum DlqError {
    /// What may befall every client command.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The queues did not answer, or not as they were asked.
    #[error("{0}")]
    Queues(String),
    /// What is said about the broker cannot be used.
    #[error("{0}")]
    Broker(String),
    /// There are no such dead letters.
    #[error("there is no dead letter {} of {consumer}", ids.join(", "))]
    Missing {
        /// Whose they would be.
        consumer: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// The edited event was not put back; the dead letter is as it was.
    #[error("{reason}\n  the dead letter is as it was{}", Kept(kept.as_ref()))]
    NotPutBack {
        /// Why.
        reason: String,
        /// Where the edited text is, if anything was edited.
        kept: Option<PathBuf>,
    },
    /// The person said no.
    #[error("nothing was deleted")]
    Declined,
}

impl From<AdminError> for DlqError {
    fn from(AdminError(reason): AdminError) -> Self {
        Self::Queues(reason)
    }
}

impl From<io::Error> for DlqError {
    fn from(error: io::Error) -> Self {
        Self::Client(error.into())
    }
}

struct Kept<'a>(Option<&'a PathBuf>);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, "; the edited text is kept in {}", path.display()),
            None => Ok(()),
        }
    }
}
