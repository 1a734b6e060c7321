//! The streams of tables: a record for each change of an item.

use std::time::SystemTime;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Item;

/// A position in a stream: everything up to this record. It is stored as `shard sequence-number`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// The id of the shard.
    pub shard: String,
    /// The sequence number of the record, in decimal digits.
    pub sequence_number: String,
}

/// A text that is not a [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a stream position: expected a shard id, a space and a sequence number")]
pub struct PositionError(String);

impl From<Position> for String {
    fn from(position: Position) -> Self {
        format!("{} {}", position.shard, position.sequence_number)
    }
}

impl TryFrom<String> for Position {
    type Error = PositionError;

    fn try_from(text: String) -> Result<Self, PositionError> {
        match text.split_once(' ') {
            Some((shard, sequence_number)) => {
                Ok(Self { shard: shard.to_owned(), sequence_number: sequence_number.to_owned() })
            }
            None => Err(PositionError(text)),
        }
    }
}

/// A change of an item, as its table's stream keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// What happened to the item.
    pub change: Change,
    /// The item's key.
    pub keys: Item,
    /// The item after the change. `None` if it was removed.
    pub image: Option<Item>,
    /// The sequence number in its shard, in decimal digits. Later changes of an item have higher ones.
    pub sequence_number: String,
    /// The time of the change, to the second or finer.
    pub written_at: Option<SystemTime>,
    /// The id of the record, unique in the stream.
    pub id: String,
}

/// What happened to an item. A write that changes nothing leaves no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was created.
    Insert,
    /// It was changed or replaced.
    Modify,
    /// It was deleted.
    Remove,
}

impl Change {
    /// Returns DynamoDB's name: `INSERT`, `MODIFY` or `REMOVE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// Records of one shard, in order. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamBatch {
    /// The records.
    pub records: Vec<StreamRecord>,
    /// The position of the last record.
    pub last: Position,
}

/// The stream of a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stream of {table} cannot be read: {message}")]
pub struct StreamError {
    /// The table.
    pub table: String,
    /// Why.
    pub message: String,
}

/// Reads the stream of one table, from where it was opened on.
#[async_trait]
pub trait StreamReader: Send + Sync {
    /// Reads the next records, at most about 1,000 of each shard. Returns a batch for each shard that has some, and nothing at the end of the
    /// stream. A later call returns the records that were added since. The changes of one item are returned in order.
    ///
    /// # Errors
    /// [`StreamError`] if the store does not answer. The next call continues after the last records that were returned.
    async fn read(&mut self) -> Result<Vec<StreamBatch>, StreamError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_position_is_read_back_and_other_texts_are_not() {
        let position = Position { shard: "shardId-1".to_owned(), sequence_number: "42".to_owned() };
        assert_eq!(String::from(position.clone()), "shardId-1 42");
        assert_eq!(Position::try_from("shardId-1 42".to_owned()), Ok(position));
        let error = Position::try_from("42".to_owned()).unwrap_err();
        assert!(error.to_string().starts_with("\"42\" is not a stream position"), "{error}");
    }
}
