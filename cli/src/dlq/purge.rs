//! `orderflow dlq purge`.

use orderflow_messaging::DeadLetter;

use super::DlqError;
use super::connection::Queues;
use super::selection::SelectionArgs;
use super::terminal::{write_done, write_preview};
use crate::client::ClientError;
use crate::client::output::question::{can_ask, confirm};

pub(super) const AFTER_HELP: &str = "\
Deleting an event can leave its order open until it expires: replay what can be corrected instead.

Example:
  orderflow dlq purge payment --dry-run
  orderflow dlq purge payment --id 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow dlq purge payment --code undecodable --yes
  orderflow dlq purge notification --text typo.example --yes";

/// The dead letters to delete, and how to confirm.
#[derive(clap::Args)]
pub(super) struct PurgeArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,

    /// Show what would be deleted, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Delete without asking for confirmation; required without a terminal.
    #[arg(long)]
    yes: bool,
}

impl PurgeArgs {
    /// Refuses, before anything is read, a purge that needs confirmation when there is no terminal to ask on.
    ///
    /// # Errors
    /// [`ClientError::Usage`].
    pub(super) fn check(&self) -> Result<(), ClientError> {
        if self.yes || self.dry_run || can_ask() {
            return Ok(());
        }
        let message = "purge deletes permanently, and there is no terminal to confirm on: give --yes, or --dry-run to see what would be deleted";
        Err(ClientError::Usage(message.to_owned()))
    }

    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let found = self.selection.find(queues.admin.as_ref()).await?;
        if self.dry_run {
            write_preview("purge", &found, queues)?;
        } else {
            let purged = self.purge(&found, queues).await?;
            write_done("purged", purged, queues)?;
        }
        self.selection.require_all(&found)
    }

    async fn purge(&self, found: &[DeadLetter], queues: &mut Queues<'_>) -> Result<u64, DlqError> {
        if !self.yes && !found.is_empty() {
            let question = format!("Delete {} permanently ({} now)?", self.selection.in_words(), found.len());
            if !confirm(&question, queues.output).await? {
                return Err(DlqError::Declined);
            }
        }
        let mut purged = 0;
        for letters in found.chunk_by(|one, next| one.consumer == next.consumer) {
            let selection = self.selection.selection_of(letters);
            purged += queues.admin.purge(&letters[0].consumer, &selection).await?;
        }
        Ok(purged)
    }
}
