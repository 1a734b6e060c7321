//! A line as text for people.

use std::fmt::Write;

use serde_json::Value;
use tracing::Level;

use crate::layer::Line;

/// Terminal codes around the parts of a line.
pub(crate) struct Palette {
    dim: &'static str,
    bold: &'static str,
    reset: &'static str,
    level: fn(Level) -> &'static str,
}

pub(crate) const PLAIN: Palette = Palette { dim: "", bold: "", reset: "", level: |_| "" };

pub(crate) const COLOURS: Palette =
    Palette { dim: "\u{1b}[2m", bold: "\u{1b}[1m", reset: "\u{1b}[0m", level: level_colour };

fn level_colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

/// The line without its line break: `time level service message key=value ...`.
pub(crate) fn line(line: &Line<'_>, palette: &Palette) -> String {
    let Palette { dim, bold, reset, .. } = palette;
    let colour = (palette.level)(line.level);
    let mut text = format!(
        "{dim}{}{reset} {colour}{:5}{reset} {bold}{}{reset} ",
        line.time.format("%H:%M:%S%.3fZ"),
        line.level.as_str(),
        line.service,
    );
    push_visible(&mut text, line.message);
    for (name, value) in line.fields.iter() {
        text.push(' ');
        text.push_str(dim);
        text.push_str(name);
        text.push('=');
        text.push_str(reset);
        push_value(&mut text, value);
    }
    text
}

fn push_value(text: &mut String, value: &Value) {
    match value {
        Value::String(value) if needs_quotes(value) => {
            text.push('"');
            push_visible(text, &value.replace('\\', "\\\\").replace('"', "\\\""));
            text.push('"');
        }
        Value::String(value) => push_visible(text, value),
        other => write!(text, "{other}").expect("memory takes every write"),
    }
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=')
}

/// Escapes control characters, so that no value can break the line or steer the terminal.
fn push_visible(text: &mut String, value: &str) {
    for c in value.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
}
