//! The prefix of the names of tables, and checks that a table answers.

use orderflow_domain::random_id;
use orderflow_settings::declared::PREFIX;
use orderflow_settings::{NotAllowed, Reader};

use orderflow_store_port::{Operation, Write, WriteError};

use crate::shape::shape;
use crate::{StoreError, Table, string};

/// The most letters of a prefix: the name of an SQS queue has at most 80 in all.
const MAX_PREFIX: usize = 40;

/// The key of the probe item.
const PROBE: &str = "health";

/// Reads `ORDERFLOW_PREFIX`, the prefix of the names of tables, topics and queues.
pub fn read_prefix(reader: &mut Reader<'_>) -> String {
    reader.value(&PREFIX, |text| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
        let text = text.trim();
        if text.len() <= MAX_PREFIX && text.chars().all(is_allowed) {
            Ok(text.to_owned())
        } else {
            Err(NotAllowed)
        }
    })
}

impl Table {
    /// Reads an item that does not exist, to check that the table answers and to open the connection.
    ///
    /// # Errors
    /// [`StoreError`] if the table does not answer.
    pub async fn touch(&self) -> Result<(), StoreError> {
        let key = match self.table.definition.range {
            None => self.key("-"),
            Some(_) => self.key_with_range("-", "-"),
        };
        self.backend.get(&self.table, key).await.map(drop)
    }

    /// Writes a probe item of about `bytes` bytes and reads it back, to check that the table takes writes. All processes share the item.
    ///
    /// # Errors
    /// [`StoreError`] if the write or the read fails, or the item is not there.
    pub async fn probe(&self, bytes: usize) -> Result<(), StoreError> {
        let key = match self.table.definition.range {
            None => self.key(PROBE),
            Some(_) => self.key_with_range(PROBE, PROBE),
        };
        let mut item = key.clone();
        item.insert("padding".to_owned(), string(padding(bytes)));
        let put =
            Write { table: self.table.clone(), operation: Operation::Put(item), conditions: Vec::new() };
        self.backend.write(&put).await.map_err(|error| match error {
            WriteError::Store(error) => error,
            WriteError::ConditionFailed(_) => shape(self.name(), &"a write without condition was refused"),
        })?;
        match self.backend.get(&self.table, key).await? {
            Some(_) => Ok(()),
            None => Err(shape(self.name(), &"an item that was written is not there")),
        }
    }
}

/// Returns a text that differs from that of every other probe in each of its parts: a database writes no page that stays as it is, also if the disk is
/// full.
fn padding(bytes: usize) -> String {
    let id = random_id().simple().to_string();
    let mut padding = id.repeat(bytes.div_ceil(id.len()));
    padding.truncate(bytes);
    padding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_probe_changes_every_page_of_a_database() {
        let (one, other) = (padding(32 * 1024), padding(32 * 1024));
        assert_eq!((one.len(), other.len(), padding(7).len()), (32 * 1024, 32 * 1024, 7));
        assert!(
            one.as_bytes().chunks(512).zip(other.as_bytes().chunks(512)).all(|(one, other)| one != other)
        );
    }
}
