//! `orderflow dlq list` and `orderflow dlq show`.

use orderflow_messaging::{DeadLetter, hide_payment_tokens};

use super::DlqError;
use super::connection::Queues;
use super::letter::{indented, list_to_json, time, to_json};
use super::selection::{OneArgs, ScopeArgs};
use super::terminal::write_counts;
use crate::client::output::{Table, printable};
use crate::client::session::Format;

pub(super) const LIST_AFTER_HELP: &str = "\
With --json every dead letter is printed with its event, even where the table only counts.

Example:
  orderflow dlq list
  orderflow dlq list payment --code attempts-exhausted
  orderflow dlq list --text 'no such mailbox'
  orderflow dlq list --broker amqp://guest:guest@127.0.0.1:5672/%2f";

/// The dead letters to list.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
}

impl ListArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let letters = self.scope.find(queues.admin.as_ref()).await?;
        if queues.format == Format::Json {
            return queues.write_json(&list_to_json(&letters));
        }
        write_counts(&letters, queues)?;
        let is_narrow =
            self.scope.consumer.is_some() || self.scope.code.is_some() || self.scope.text.is_some();
        if is_narrow && !letters.is_empty() {
            queues.output.line("")?;
            let headers = ["ID", "CONSUMER", "CODE", "ATTEMPTS", "GIVEN UP", "REASON"];
            Table::new(&headers).write(letters.into_iter().map(row).collect(), queues.output)?;
        }
        Ok(())
    }
}

fn row(letter: DeadLetter) -> Vec<String> {
    let (attempts, given_up) = (letter.attempts.to_string(), time(letter.last_at));
    vec![letter.id, letter.consumer, letter.code, attempts, given_up, letter.reason]
}

pub(super) const SHOW_AFTER_HELP: &str = "\
Example:
  orderflow dlq show payment 01890a5d-ac96-774b-bcce-b302099a8057";

/// The dead letter to show.
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    pub(super) one: OneArgs,
}

impl ShowArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let letter = self.one.find(queues.admin.as_ref()).await?;
        if queues.format == Format::Json {
            return queues.write_json(&to_json(&letter));
        }
        // A message that was put into the dead-letter queue by hand has no reason.
        for (name, value) in facts(&letter).into_iter().filter(|(_, value)| !value.is_empty()) {
            queues.output.line(format_args!("{name:11}  {}", printable(&value)))?;
        }
        queues.output.line("")?;
        for line in hide_payment_tokens(&indented(&letter)).lines() {
            queues.output.line(printable(line))?;
        }
        Ok(())
    }
}

fn facts(letter: &DeadLetter) -> [(&'static str, String); 7] {
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
