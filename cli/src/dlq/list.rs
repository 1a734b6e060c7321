//! `orderflow dlq list`.

use orderflow_messaging::StoredDeadLetter;

use super::DlqError;
use super::connection::Queues;
use super::letter::{list_to_json, time};
use super::report::write_counts;
use super::selection::ScopeArgs;
use crate::client::connection::Format;
use crate::client::table::Table;

pub(super) const AFTER_HELP: &str = "\
With --json the dead letters themselves, events included, also where the table only counts.

Example:
  orderflow dlq list
  orderflow dlq list payment --code declined
  orderflow dlq list --broker amqp://guest:guest@127.0.0.1:5672/%2f";

/// Which ones.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    scope: ScopeArgs,
}

impl ListArgs {
    pub(super) async fn run(self, queues: &mut Queues<'_>) -> Result<(), DlqError> {
        let letters = self.scope.find(queues.admin.as_ref()).await?;
        if queues.format == Format::Json {
            return queues.write_json(&list_to_json(&letters));
        }
        write_counts(&letters, queues)?;
        let is_narrow = self.scope.consumer.is_some() || self.scope.code.is_some();
        if is_narrow && !letters.is_empty() {
            queues.output.line("")?;
            let headers = ["ID", "CONSUMER", "CODE", "ATTEMPTS", "GIVEN UP", "REASON"];
            Table::new(&headers).write(letters.into_iter().map(row).collect(), queues.output)?;
        }
        Ok(())
    }
}

fn row(letter: StoredDeadLetter) -> Vec<String> {
    let (attempts, given_up) = (letter.attempts.to_string(), time(letter.last_at));
    vec![letter.id, letter.consumer, letter.code, attempts, given_up, letter.reason]
}
