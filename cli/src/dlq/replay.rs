//! `orderflow dlq replay`.

use indicatif::{ProgressBar, ProgressDrawTarget};
use orderflow_messaging::DeadLetter;

use super::DlqError;
use super::connection::Queues;
use super::letter::dead_letters;
use super::selection::SelectionArgs;
use super::terminal::{write_done, write_preview};

pub(super) const AFTER_HELP: &str = "\
Attempts are counted from the beginning. A message that fails again is dead-lettered again.

Example:
  orderflow dlq replay payment --dry-run
  orderflow dlq replay payment --code attempts-exhausted
  orderflow dlq replay --text 'connection refused' --dry-run
  orderflow dlq replay payment --id 01890a5d-ac96-774b-bcce-b302099a8057
  orderflow dlq replay";

/// The dead letters to replay, and whether to change anything.
#[derive(clap::Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,

    /// Show what would be replayed, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl ReplayArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let found = self.selection.find(queues.admin.as_ref()).await?;
        if self.dry_run {
            write_preview("replay", &found, queues)?;
        } else {
            let replayed = self.replay(&found, queues).await?;
            write_done("replayed", replayed, queues)?;
        }
        self.selection.require_all(&found)
    }

    async fn replay(&self, found: &[DeadLetter], queues: &mut Queues<'_>) -> Result<u64, DlqError> {
        let bar = ProgressBar::with_draw_target(Some(found.len() as u64), ProgressDrawTarget::stderr());
        let mut replayed = 0;
        for letters in found.chunk_by(|one, next| one.consumer == next.consumer) {
            let selection = self.selection.selection_of(letters);
            let replaying = queues.admin.replay(&letters[0].consumer, &selection, &|| bar.inc(1)).await;
            replayed += replaying.inspect_err(|_| {
                let before = dead_letters(bar.position());
                bar.finish_and_clear();
                queues.output.note(format_args!(
                    "replayed {before} before the failure; repeat the command to replay the rest"
                ));
            })?;
        }
        bar.finish_and_clear();
        Ok(replayed)
    }
}
