//! `orderflow dlq purge`.

use orderflow_messaging::StoredDeadLetter;

use super::DlqError;
use super::connection::Queues;
use super::selection::SelectionArgs;
use super::terminal::{can_ask, confirm, write_done, write_preview};
use crate::client::ClientError;

pub(super) const AFTER_HELP: &str = "\
An order whose event is deleted here may never end by itself: replay what can be put right.

Example:
  orderflow dlq purge payment --dry-run
  orderflow dlq purge payment --id 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow dlq purge payment --code poison --yes";

/// Which ones, and whether at all.
#[derive(clap::Args)]
pub(super) struct PurgeArgs {
    #[command(flatten)]
    selection: SelectionArgs,

    /// Say what would be deleted, and change nothing.
    #[arg(long)]
    dry_run: bool,

    /// Delete without asking. Needed where no one can be asked.
    #[arg(long)]
    yes: bool,
}

impl PurgeArgs {
    /// Refuses, before anything is read, what would have to be confirmed by a person where none is.
    ///
    /// # Errors
    /// [`ClientError::Usage`].
    pub(super) fn check(&self) -> Result<(), ClientError> {
        if self.yes || self.dry_run || can_ask() {
            return Ok(());
        }
        let message = "purge deletes for good and no one can be asked here: say --yes, or --dry-run to see what it would delete";
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

    async fn purge(&self, found: &[StoredDeadLetter], queues: &mut Queues<'_>) -> Result<u64, DlqError> {
        if !self.yes && !found.is_empty() {
            let question = format!("Delete {} for good ({} now)?", self.selection.in_words(), found.len());
            if !confirm(&question, queues.output).await? {
                return Err(DlqError::Declined);
            }
        }
        let selection = self.selection.selection();
        let mut purged = 0;
        for letters in found.chunk_by(|one, next| one.consumer == next.consumer) {
            purged += queues.admin.purge(&letters[0].consumer, &selection).await?;
        }
        Ok(purged)
    }
}
