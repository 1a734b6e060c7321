//! One line of the log, as JSON or as text.

use std::borrow::Cow;
use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use orderflow_domain::text::{escaped, escaped_json};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use tracing::Level;

use crate::LogFormat;
use crate::fields::Fields;

/// One line of the log: what every line has, and the fields of its event and spans.
pub(crate) struct Line<'a> {
    pub(crate) time: DateTime<Utc>,
    pub(crate) level: Level,
    pub(crate) service: &'a str,
    pub(crate) message: &'a str,
    pub(crate) fields: &'a Fields,
}

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

impl Line<'_> {
    /// Returns the line in a format, with a line break.
    pub(crate) fn in_format(&self, format: LogFormat) -> String {
        let mut text = match format {
            LogFormat::Json => self.to_json(),
            LogFormat::Pretty => self.to_text(&PLAIN),
            LogFormat::Coloured => self.to_text(&COLOURS),
        };
        text.push('\n');
        text
    }

    /// Returns the line as one JSON object, without a line break.
    pub(crate) fn to_json(&self) -> String {
        let json = serde_json::to_string(self)
            .expect("text keys and JSON values always serialise, and writing to memory does not fail");
        match escaped_json(&json) {
            Cow::Borrowed(_) => json,
            Cow::Owned(escaped) => escaped,
        }
    }

    /// Returns the line as `time level service message key=value ...`, without a line break.
    pub(crate) fn to_text(&self, palette: &Palette) -> String {
        let Palette { dim, bold, reset, .. } = palette;
        let colour = (palette.level)(self.level);
        let mut text = format!(
            "{dim}{}{reset} {colour}{:5}{reset} {bold}{}{reset} ",
            self.time.format("%H:%M:%S%.3fZ"),
            self.level.as_str(),
            self.service,
        );
        text.push_str(&escaped(self.message));
        for (name, value) in self.fields.iter() {
            text.push(' ');
            text.push_str(dim);
            text.push_str(name);
            text.push('=');
            text.push_str(reset);
            push_value(&mut text, value);
        }
        text
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = self.time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &time)?;
        map.serialize_entry("level", self.level.as_str())?;
        map.serialize_entry("service", self.service)?;
        map.serialize_entry("message", self.message)?;
        for (name, value) in self.fields.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn push_value(text: &mut String, value: &Value) {
    match value {
        Value::String(value) if needs_quotes(value) => {
            text.push('"');
            text.push_str(&escaped(&value.replace('\\', "\\\\").replace('"', "\\\"")));
            text.push('"');
        }
        Value::String(value) => text.push_str(&escaped(value)),
        other => write!(text, "{other}").expect("writing to memory does not fail"),
    }
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=')
}
