//! Names of tables and streams, and their keys, as the protocol shows them.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::definition::TableDescription;

/// Returns the ARN of a table.
pub(crate) fn table_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:embedded:000000000000:table/{table}")
}

/// Returns the label of a table's stream: the time at which the table was created, in milliseconds. A table that is created again has another.
pub(crate) fn stream_label(table: &TableDescription) -> String {
    let created = table.created_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:013}", created.as_millis())
}

/// Returns the ARN of a table's stream.
pub(crate) fn stream_arn(name: &str, table: &TableDescription) -> String {
    format!("{}/stream/{}", table_arn(name), stream_label(table))
}

/// Returns the keys of a table or an index, as the protocol shows them.
pub(crate) fn key_schema(hash: &str, range: Option<&str>) -> Value {
    let mut schema = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
    schema.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
    Value::Array(schema)
}
