//! The engine and the second connection to its database.

use std::fs::File;
use std::time::Instant;

use dynoxide::actions::get_shard_iterator::{GetShardIteratorRequest, decode_shard_iterator};
use dynoxide::{Database, DynoxideError, streams};
use rusqlite::Connection;

use crate::tokens::{Seen, Token, Tokens};
use crate::{EmbeddedError, Location, migrations, schema};

/// Everything that touches the database. It is used under one lock: the engine would take its own anyway, and SQLite
/// makes a connection that meets the other one's lock sleep for milliseconds.
pub(crate) struct Engine {
    database: Database,
    maintenance: Connection,
    tokens: Tokens,
    // The last field, so that the database is closed before the directory is free for others.
    _directory_lock: Option<File>,
}

impl Engine {
    pub(crate) fn open(location: &Location) -> Result<Self, EmbeddedError> {
        let claimed = location.claim()?;
        let mut maintenance = Connection::open(&claimed.name)?;
        migrations::admit(&mut maintenance)?;
        let database = Database::new(&claimed.name)?;
        // The name says something else, but this is the call that sets synchronous=NORMAL: no flush to the disk per
        // commit, which would bound all writing to a few hundred commits a second.
        database.disable_bulk_loading()?;
        maintenance.pragma_update(None, "synchronous", "NORMAL")?;
        schema::prepare(&maintenance)?;
        migrations::migrate(&mut maintenance, migrations::MIGRATIONS)?;
        Ok(Self { database, maintenance, tokens: Tokens::default(), _directory_lock: claimed.lock })
    }

    pub(crate) fn run<Response>(
        &self,
        operation: impl FnOnce(&Database) -> dynoxide::Result<Response>,
    ) -> dynoxide::Result<Response> {
        operation(&self.database)
    }

    /// As [`Self::run`], unless the token says that this has succeeded before: then nothing runs, and `None` is returned.
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

    /// The number under which the engine stores what it calls `sequence_number` in its answers. The relation of the two
    /// is private to the engine, but its shard iterators tell.
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
            DynoxideError::InternalServerError("the engine made no shard iterator".to_owned())
        })?;
        Ok(position)
    }

    /// See [`schema::trim`].
    pub(crate) fn trim(&self, table: &str, through: i64) -> Result<u64, EmbeddedError> {
        Ok(schema::trim(&self.maintenance, table, through)?)
    }
}
