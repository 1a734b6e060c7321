//! The fields of an event or a span, as JSON values without credentials of URLs.

use std::error::Error;
use std::fmt::Debug;

use orderflow_errors::{causes, without_credentials};
use serde_json::Value;
use tracing::field::{Field, Visit};

/// Names that every line uses for its own entries.
const RESERVED: [&str; 2] = ["timestamp", "level"];

/// Fields in the order in which they were recorded, each name once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Adds a field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds the fields of the span `outer` whose names are not present yet. Skips `message`, because a line has the message of its
    /// event.
    pub(crate) fn fill_from(&mut self, outer: &Self) {
        for (name, value) in &outer.0 {
            if *name != "message" && self.position(name).is_none() {
                self.0.push((name, value.clone()));
            }
        }
    }

    /// Removes the field and returns its value as text.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        let (_, value) = self.0.remove(self.position(name)?);
        Some(match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == name)
    }

    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let name = match RESERVED.iter().position(|reserved| *reserved == name) {
            Some(0) => "field.timestamp",
            Some(_) => "field.level",
            None => name,
        };
        match self.position(name) {
            Some(at) => self.0[at].1 = value.into(),
            None => self.0.push((name, value.into())),
        }
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.set(field, value);
        } else {
            // JSON has no numbers for infinity and NaN.
            self.set(field, value.to_string());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, without_credentials(value).into_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field, causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, without_credentials(&format!("{value:?}")).into_owned());
    }
}
