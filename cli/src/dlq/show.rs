//! `orderflow dlq show`.

use orderflow_messaging::StoredDeadLetter;

use super::DlqError;
use super::connection::Queues;
use super::letter::{laid_out, time, to_json};
use super::selection::OneArgs;
use crate::client::connection::Format;
use crate::client::printable::printable;

pub(super) const AFTER_HELP: &str = "\
Example:
  orderflow dlq show payment 01890a5d-ac96-774b-bcce-b302099a8057";

/// Which one.
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    one: OneArgs,
}

impl ShowArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let letter = self.one.find(queues.admin.as_ref()).await?;
        if queues.format == Format::Json {
            return queues.write_json(&to_json(&letter));
        }
        // One that somebody put there by hand has no reason.
        for (name, value) in facts(&letter).into_iter().filter(|(_, value)| !value.is_empty()) {
            queues.output.line(format_args!("{name:11}  {}", printable(&value)))?;
        }
        queues.output.line("")?;
        for line in laid_out(&letter).lines() {
            queues.output.line(printable(line))?;
        }
        Ok(())
    }
}

fn facts(letter: &StoredDeadLetter) -> [(&'static str, String); 7] {
    [
        ("dead letter", letter.id.clone()),
        ("consumer", letter.consumer.clone()),
        ("code", letter.code.clone()),
        ("reason", letter.reason.clone()),
        ("attempts", letter.attempts.to_string()),
        ("first tried", time(letter.first_at)),
        ("given up", time(letter.last_at)),
    ]
}
