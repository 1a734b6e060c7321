//! How the checks are shown.

use std::io;

use serde_json::json;

use super::check::{Check, State};
use crate::client::Output;
use crate::client::output::json_text::pretty;
use crate::client::output::printable;
use crate::client::output::style::{Colours, Style};
use crate::client::output::width::wrapped;

const WIDTH: usize = 80;

/// The columns in front of what was found: the name, the state, and two spaces behind each.
const NAME_WIDTH: usize = 14;
const STATE_WIDTH: usize = 8;

/// Writes a table of at most 80 columns: a row for each check, and below it what to do.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn write_table(checks: &[Check], colours: Colours, output: &mut Output) -> io::Result<()> {
    output.line(format_args!("{:NAME_WIDTH$}{:STATE_WIDTH$}FOUND", "CHECK", "STATE"))?;
    for check in checks {
        let style = match check.state {
            State::Ok => Style::Good,
            State::Absent => Style::Faint,
            State::Failed => Style::Bad,
        };
        let state = colours.paint(&format!("{:STATE_WIDTH$}", check.state.as_str()), style);
        let before = format!("{:NAME_WIDTH$}{state}", check.name);
        write(&before, &check.found, output)?;
        if let Some(advice) = &check.advice {
            let indent = " ".repeat(NAME_WIDTH + STATE_WIDTH);
            write(&indent, &format!("-> {advice}"), output)?;
        }
    }
    Ok(())
}

fn write(before: &str, text: &str, output: &mut Output) -> io::Result<()> {
    let indent = NAME_WIDTH + STATE_WIDTH;
    for (position, line) in wrapped(&printable(text), WIDTH - indent).iter().enumerate() {
        let before = if position == 0 { before.to_owned() } else { " ".repeat(indent) };
        output.bytes(format!("{before}{line}\n").as_bytes())?;
    }
    Ok(())
}

/// Writes `{"ok": ..., "checks": [...]}`.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn write_json(checks: &[Check], output: &mut Output) -> io::Result<()> {
    let is_ok = !checks.iter().any(|check| check.state == State::Failed);
    output.json(&pretty(&json!({ "ok": is_ok, "checks": checks }).to_string()))
}
