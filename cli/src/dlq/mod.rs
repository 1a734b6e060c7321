//! `orderflow dlq`: an operator lists, shows, corrects, replays and deletes dead letters.
//!
//! Every command works through [`QueueAdmin`](orderflow_messaging::QueueAdmin): over HTTP with a running system, whatever its broker is, or
//! directly with RabbitMQ or SQS, which also works while the system is down. A command can be interrupted and repeated: it leaves the dead
//! letters that it did not reach unchanged.

mod connection;
mod edit;
mod http_admin;
mod inspect;
mod letter;
mod purge;
mod replay;
mod selection;
mod terminal;

use std::path::PathBuf;
use std::{fmt, io};

use connection::QueueConnectionArgs;
use orderflow_messaging::AdminError;
use orderflow_settings::Snapshot;
use orderflow_telemetry::audited_ids;

use crate::audit::Action;
use crate::client::{ClientError, Output};

/// The flags and subcommands of `orderflow dlq`.
#[derive(clap::Args)]
#[command(after_help = "\
A dead letter is a message that a consumer could not process, with the code and the reason of the failure. Find the cause, correct it,
then replay the dead letter to its queue.

Example:
  orderflow dlq list
  orderflow dlq show payment 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow dlq replay payment --code attempts-exhausted

--url asks a running system. --broker connects to its RabbitMQ and --aws-endpoint to its queues on SQS: both also work while the system
is down. Give at most one of the three flags. A flag takes precedence over variables; of the variables, ORDERFLOW_URL takes precedence
over ORDERFLOW_BROKER, and that over ORDERFLOW_AWS_ENDPOINT.")]
pub struct DlqArgs {
    #[command(flatten)]
    connection: QueueConnectionArgs,
    #[command(subcommand)]
    command: DlqCommand,
}

#[derive(clap::Subcommand)]
enum DlqCommand {
    /// Count dead letters by consumer and code; with a consumer, --code or --text, list them too.
    #[command(after_help = inspect::LIST_AFTER_HELP)]
    List(inspect::ListArgs),
    /// Show a dead letter: code, reason, attempts, times, and its event.
    #[command(after_help = inspect::SHOW_AFTER_HELP)]
    Show(inspect::ShowArgs),
    /// Edit the event of a dead letter in your editor.
    #[command(after_help = edit::AFTER_HELP)]
    Edit(edit::EditArgs),
    /// Send dead letters back to the queue of their consumer.
    #[command(after_help = replay::AFTER_HELP)]
    Replay(replay::ReplayArgs),
    /// Delete dead letters permanently.
    #[command(after_help = purge::AFTER_HELP)]
    Purge(purge::PurgeArgs),
}

/// Runs one command.
///
/// # Errors
/// Any [`DlqError`].
pub fn run(args: DlqArgs, environment: &Snapshot, output: &mut Output) -> Result<(), DlqError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(args.run(environment, output));
    // A thread may still block on reading the answer to a question.
    runtime.shutdown_background();
    done?;
    output.flush()?;
    Ok(())
}

impl DlqArgs {
    async fn run(self, environment: &Snapshot, output: &mut Output) -> Result<(), DlqError> {
        if let DlqCommand::Purge(purge) = &self.command {
            purge.check()?;
        }
        let (operation, on) = self.command.in_audit_log();
        let mut queues = self.connection.open(environment, output).await?;
        let done = match self.command {
            DlqCommand::List(list) => list.run(&mut queues).await,
            DlqCommand::Show(show) => show.run(&mut queues).await,
            DlqCommand::Edit(edit) => edit.run(&mut queues).await,
            DlqCommand::Replay(replay) => replay.run(&mut queues).await,
            DlqCommand::Purge(purge) => purge.run(&mut queues).await,
        };
        if let Some(place) = queues.reached_directly() {
            let on = format!("{on} {}", audited_ids([("queues", place)]));
            let action = Action { operation, on: &on, is_done: done.is_ok() };
            action.log_to_stderr("dlq", environment);
        }
        queues.close().await;
        done
    }
}

impl DlqCommand {
    /// Returns the operation, and what it is applied to.
    fn in_audit_log(&self) -> (&'static str, String) {
        match self {
            Self::List(list) => ("dlq list", list.scope.in_audit_log()),
            Self::Show(show) => ("dlq show", show.one.in_audit_log()),
            Self::Edit(edit) => ("dlq edit", edit.one.in_audit_log()),
            Self::Replay(replay) if replay.dry_run => {
                ("dlq replay --dry-run", replay.selection.in_audit_log())
            }
            Self::Replay(replay) => ("dlq replay", replay.selection.in_audit_log()),
            Self::Purge(purge) if purge.dry_run => ("dlq purge --dry-run", purge.selection.in_audit_log()),
            Self::Purge(purge) => ("dlq purge", purge.selection.in_audit_log()),
        }
    }
}

/// Why a command on dead letters failed.
#[derive(Debug, thiserror::Error)]
pub enum DlqError {
    /// An error that every client command can have.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The queues could not be read or changed.
    #[error("{0}")]
    Queues(String),
    /// No dead letter has these ids.
    #[error("no dead letter {} of {consumer} exists; `orderflow dlq list CONSUMER` shows those that do", ids.join(", "))]
    Missing {
        /// The consumer.
        consumer: String,
        /// The ids.
        ids: Vec<String>,
    },
    /// The edited event was not saved; the dead letter is unchanged.
    #[error("{reason}\n  the dead letter is unchanged{}", Kept(kept.as_ref()))]
    NotSaved {
        /// Why.
        reason: String,
        /// The file that keeps the edited text, if it was edited.
        kept: Option<PathBuf>,
    },
    /// The operator did not confirm.
    #[error("not confirmed; nothing was deleted")]
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
            Some(path) => write!(f, "; the edited text is in {}", path.display()),
            None => Ok(()),
        }
    }
}
