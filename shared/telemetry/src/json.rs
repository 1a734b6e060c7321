//! A line as one JSON object.

use chrono::SecondsFormat;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::layer::Line;

/// The line without its line break.
pub(crate) fn line(line: &Line<'_>) -> String {
    serde_json::to_string(line)
        .expect("text keys and JSON values always serialise, and memory takes every write")
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
