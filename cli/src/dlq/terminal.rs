//! What commands on dead letters print.

use std::collections::BTreeMap;

use orderflow_messaging::DeadLetter;
use serde_json::json;

use super::DlqError;
use super::connection::Queues;
use super::letter::dead_letters;
use crate::client::output::Table;
use crate::client::session::Format;

/// Writes the number of dead letters by consumer and code, as a table. The letters must be grouped by consumer.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn write_counts(letters: &[DeadLetter], queues: &mut Queues<'_>) -> Result<(), DlqError> {
    let mut rows = Vec::new();
    for letters in letters.chunk_by(|one, next| one.consumer == next.consumer) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for letter in letters {
            *counts.entry(&letter.code).or_default() += 1;
        }
        let row = |(code, count): (&str, u64)| {
            vec![letters[0].consumer.clone(), code.to_owned(), count.to_string()]
        };
        rows.extend(counts.into_iter().map(row));
    }
    Ok(Table::new(&["CONSUMER", "CODE", "DEAD LETTERS"]).write(rows, queues.output)?)
}

/// Writes what was done, and to how many: `{"replayed": 3}`, or "replayed 3 dead letters".
///
/// # Errors
/// If the output cannot be written.
pub(super) fn write_done(done: &str, count: u64, queues: &mut Queues<'_>) -> Result<(), DlqError> {
    match queues.format {
        Format::Json => queues.write_json(&json!({ done: count }).to_string()),
        Format::Table => Ok(queues.output.line(format_args!("{done} {}", dead_letters(count)))?),
    }
}

/// Writes what a command would do: `{"would_replay": 3}`, or the table of counts.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn write_preview(
    command: &str,
    found: &[DeadLetter],
    queues: &mut Queues<'_>,
) -> Result<(), DlqError> {
    if queues.format == Format::Json {
        return queues.write_json(&json!({ format!("would_{command}"): found.len() }).to_string());
    }
    let count = dead_letters(found.len() as u64);
    queues.output.note(format_args!("would {command} {count}; nothing was changed"));
    write_counts(found, queues)
}
