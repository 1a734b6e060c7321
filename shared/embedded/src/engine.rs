//! The engine, and a second connection to its database for maintenance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dynoxide::actions::get_shard_iterator::{GetShardIteratorRequest, decode_shard_iterator};
use dynoxide::{Database, DynoxideError, streams};
use rusqlite::Connection;

use crate::remnants::{self, Replacement};
use crate::tokens::{Seen, Token, Tokens};
use crate::{EmbeddedError, schema};

/// Both connections to the database. One lock protects them: the engine serialises requests anyway, and SQLite makes a connection sleep for
/// milliseconds when the other one holds SQLite's lock.
pub(crate) struct Engine {
    database: Database,
    maintenance: Connection,
    tokens: Tokens,
}

impl Engine {
    pub(crate) fn open() -> Result<Self, EmbeddedError> {
        let name = unique_name();
        let maintenance = Connection::open(&name)?;
        let database = Database::new(&name)?;
        schema::prepare(&maintenance)?;
        Ok(Self { database, maintenance, tokens: Tokens::default() })
    }

    pub(crate) fn run<Response>(
        &self,
        operation: impl FnOnce(&Database) -> dynoxide::Result<Response>,
    ) -> dynoxide::Result<Response> {
        operation(&self.database)
    }

    /// Runs an operation, unless a request with the same token has succeeded before. Returns `None` in that case.
    pub(crate) fn run_once<Response>(
        &mut self,
        token: Token,
        operation: impl FnOnce(&Database) -> dynoxide::Result<Response>,
    ) -> dynoxide::Result<Option<Response>> {
        let now = Instant::now();
        match self.tokens.look_up(&token, now) {
            Seen::SameRequest => Ok(None),
            Seen::OtherRequest => Err(DynoxideError::IdempotentParameterMismatchException(
                "the ClientRequestToken was used before for another transaction".to_owned(),
            )),
            Seen::Never => {
                let response = self.run(operation)?;
                self.tokens.remember(token, now);
                Ok(Some(response))
            }
        }
    }

    /// Returns the number under which the engine stores the record with this `sequence_number`. The mapping is private to the engine, but its
    /// shard iterators contain the stored number.
    pub(crate) fn stored_sequence_number(
        &self,
        table: &str,
        sequence_number: &str,
    ) -> Result<i64, EmbeddedError> {
        let response = self.database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: streams::stream_arn(table, ""),
            shard_id: streams::shard_id(table),
            shard_iterator_type: "AFTER_SEQUENCE_NUMBER".to_owned(),
            sequence_number: Some(sequence_number.to_owned()),
        })?;
        let iterator = response.shard_iterator.unwrap_or_default();
        let (_, _, position) = decode_shard_iterator(&iterator).ok_or_else(|| {
            DynoxideError::InternalServerError("the engine returned no shard iterator".to_owned())
        })?;
        Ok(position)
    }

    /// Replaces addresses in stream records as [`remnants::replace_in_streams`] does.
    pub(crate) fn replace_in_streams(&self, replacements: &[Replacement]) -> Result<u64, EmbeddedError> {
        Ok(remnants::replace_in_streams(&self.maintenance, replacements)?)
    }

    /// Rewrites the whole database without freed space, and empties the write-ahead log. Former values are in neither of them any more.
    pub(crate) fn erase_remnants(&self) -> Result<(), EmbeddedError> {
        self.database.vacuum()?;
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_blocked: bool = self.maintenance.query_row(checkpoint, [], |row| row.get(0))?;
        if is_blocked {
            let reason = "another reader of the database keeps its log from being emptied".to_owned();
            return Err(DynoxideError::InternalServerError(reason).into());
        }
        Ok(())
    }

    /// Deletes stream records as [`schema::trim`] does.
    pub(crate) fn trim(&self, table: &str, through: i64) -> Result<u64, EmbeddedError> {
        Ok(schema::trim(&self.maintenance, table, through)?)
    }
}

/// Returns a new name for a database in memory. SQLite shares a `memdb` database whose name starts with a slash between the connections of a
/// process, and frees it when the last one closes.
fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("file:/orderflow-{}?vfs=memdb", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_a_memory_database_until_the_last_one_closes() {
        let name = unique_name();
        let first = Connection::open(&name).unwrap();
        first.execute_batch("CREATE TABLE shared (id INTEGER)").unwrap();
        let second = Connection::open(&name).unwrap();
        drop(first);
        assert!(second.table_exists(None, "shared").unwrap());
        drop(second);
        assert!(!Connection::open(&name).unwrap().table_exists(None, "shared").unwrap());
    }
}
