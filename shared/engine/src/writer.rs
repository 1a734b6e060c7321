//! The one writer of the database: carries out groups of requests, each group in one commit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use orderflow_bugs::is_planted;
use orderflow_store_port::MAX_TRANSACTION_ACTIONS;
use rusqlite::{Connection, params};

use crate::catalog::{Catalog, Table};
use crate::clock::Clock;
use crate::encoding::{Attributes, Undecodable};
use crate::evaluate;
use crate::format::TABLE_SHIFT;
use crate::items::{self, Existing};
use crate::prepare::Prepared;
use crate::records::{self, RecordKind};
use crate::refusal::Refusal;
use crate::request::{Outcome, Request, StorageError};

/// A table, and the numbers of its next item and stream record.
#[derive(Debug)]
struct Slot {
    table: Arc<Table>,
    next: Counters,
    /// The counters as of the last commit.
    committed: Counters,
    /// The requests of this group that wrote to the table.
    changes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Counters {
    item: i64,
    record: i64,
}

/// A write whose conditions hold.
struct Planned<'a> {
    write: &'a Prepared,
    existing: Option<Existing>,
    /// The item after the write.
    body: Option<Vec<u8>>,
}

/// The connection that writes.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    catalog: Arc<Catalog>,
    slots: HashMap<i64, Slot>,
    clock: Clock,
}

impl Writer {
    /// Makes the writer of a database that has its SQL tables.
    pub(crate) fn new(connection: Connection, catalog: Arc<Catalog>, clock: Clock) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(64);
        let mut writer = Self { connection, catalog, slots: HashMap::new(), clock };
        writer.reload()?;
        Ok(writer)
    }

    /// Reads the tables again, after a change of them.
    pub(crate) fn reload(&mut self) -> rusqlite::Result<()> {
        let mut slots = HashMap::new();
        for table in self.catalog.load(&self.connection)? {
            let next = Counters {
                item: last_number(
                    &self.connection,
                    "SELECT MAX(id) FROM items WHERE id BETWEEN ?1 AND ?2",
                    table.id,
                )? + 1,
                record: last_number(
                    &self.connection,
                    "SELECT MAX(position) FROM records WHERE position BETWEEN ?1 AND ?2",
                    table.id,
                )? + 1,
            };
            slots.insert(table.id, Slot { table, next, committed: next, changes: 0 });
        }
        self.slots = slots;
        Ok(())
    }

    /// Carries out requests in order, in one commit. Returns an outcome for each.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails. Then none of the requests has taken effect.
    pub(crate) fn commit(&mut self, requests: &[&Request]) -> Result<Vec<Outcome>, StorageError> {
        let written = self.write_group(requests);
        if written.is_err() {
            self.recover();
        }
        for slot in self.slots.values_mut() {
            let changes = std::mem::take(&mut slot.changes);
            if written.is_err() {
                slot.next = slot.committed;
            } else if changes > 0 {
                slot.committed = slot.next;
                slot.table.changes.send_modify(|count| *count += changes);
            }
        }
        written
    }

    /// Ends a transaction that failed.
    fn recover(&self) {
        // SQLite rolls back by itself after some errors.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction cannot be rolled back");
        }
        // On a full disk, the log can be written again from its start once it is copied into the database.
        let copied = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            tracing::debug!(%error, "the log cannot be copied into the database");
        }
    }

    fn write_group(&mut self, requests: &[&Request]) -> Result<Vec<Outcome>, StorageError> {
        let now = self.now_ms();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let outcomes =
            requests.iter().map(|request| self.carry_out(request, now)).collect::<Result<_, _>>()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(outcomes)
    }

    /// Returns the time in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        let now = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
    }

    fn carry_out(&mut self, request: &Request, now: i64) -> Result<Outcome, StorageError> {
        match request {
            Request::Each(writes) => {
                let each = writes.iter().enumerate().map(|(position, write)| {
                    Ok(match self.plan(write)? {
                        Ok(_) if position > 0 && is_planted("store-loses-a-write-of-a-group") => Ok(()),
                        Ok(planned) => {
                            self.apply(&planned, now)?;
                            self.slot(write.table)?.changes += 1;
                            Ok(())
                        }
                        Err(refusal) => Err(refusal),
                    })
                });
                Ok(Outcome::Each(each.collect::<Result<_, StorageError>>()?))
            }
            Request::Together(writes) => Ok(Outcome::Together(self.write_together(writes, now)?)),
            Request::Trim { table, through } => {
                let newest = self.slot(*table)?.next.record - 1;
                let through = *through + i64::from(is_planted("store-trims-one-record-too-many"));
                let removed = records::trim(&self.connection, *table, through.min(newest - 1))?;
                Ok(Outcome::Trimmed(removed))
            }
        }
    }

    fn write_together(
        &mut self,
        writes: &[Prepared],
        now: i64,
    ) -> Result<Result<(), Vec<Option<Refusal>>>, StorageError> {
        let mut planned = Vec::with_capacity(writes.len());
        let mut refusals: Vec<Option<Refusal>> = Vec::new();
        for (position, write) in writes.iter().enumerate() {
            match self.plan(write)? {
                Ok(plan) => planned.push(plan),
                Err(refusal) => {
                    refusals.resize(position, None);
                    refusals.push(Some(refusal));
                }
            }
        }
        if !refusals.is_empty() && !is_planted("store-does-half-of-a-transaction") {
            refusals.resize(writes.len(), None);
            return Ok(Err(refusals));
        }
        let mut tables: Vec<i64> = Vec::with_capacity(MAX_TRANSACTION_ACTIONS.min(writes.len()));
        for plan in &planned {
            self.apply(plan, now)?;
            if !tables.contains(&plan.write.table) {
                tables.push(plan.write.table);
            }
        }
        for table in tables {
            self.slot(table)?.changes += 1;
        }
        Ok(Ok(()))
    }

    /// Reads the item of a write, checks the conditions, and works out the item after the write.
    fn plan<'a>(&self, write: &'a Prepared) -> Result<Result<Planned<'a>, Refusal>, StorageError> {
        if let Some(refused) = &write.refused {
            return Ok(Err(refused.clone()));
        }
        let existing = items::existing(&self.connection, write.table, &write.key)?;
        let table = &self.table(write.table)?.table;
        Ok(evaluate::evaluate(table, write, existing.as_ref())?.map(|body| Planned { write, existing, body }))
    }

    fn apply(&mut self, planned: &Planned<'_>, now: i64) -> Result<(), StorageError> {
        let Planned { write, existing, body } = planned;
        let old = existing.as_ref().map(|existing| existing.body.as_slice());
        let new = body.as_deref();
        if old == new {
            return Ok(());
        }
        let next = self.table(write.table)?.next;
        let kind = items::store(&self.connection, write, existing.as_ref(), new, next.item)?;
        let table = &self.table(write.table)?.table;
        let (old, new) = (read_attributes(old)?, read_attributes(new)?);
        for index in &table.indexes {
            items::move_entry(&self.connection, index, &write.key, &old, &new)?;
        }
        if table.streams {
            let removed = items::key_body(table, &write.key);
            let body = body.as_deref().unwrap_or(&removed);
            records::append(&self.connection, write.table, next.record, now, kind, body)?;
        }
        let streams = i64::from(table.streams);
        let counters = &mut self.slot(write.table)?.next;
        counters.item += i64::from(kind == RecordKind::Insert);
        counters.record += streams;
        Ok(())
    }

    fn table(&self, id: i64) -> Result<&Slot, StorageError> {
        self.slots.get(&id).ok_or_else(|| StorageError::new("the table does not exist"))
    }

    fn slot(&mut self, id: i64) -> Result<&mut Slot, StorageError> {
        self.slots.get_mut(&id).ok_or_else(|| StorageError::new("the table does not exist"))
    }
}

fn last_number(connection: &Connection, statement: &str, table: i64) -> rusqlite::Result<i64> {
    let first = table << TABLE_SHIFT;
    let last: Option<i64> =
        connection.query_row(statement, params![first, first + (1 << TABLE_SHIFT) - 1], |row| row.get(0))?;
    Ok(last.map_or(0, |last| last - first))
}

fn read_attributes(body: Option<&[u8]>) -> Result<Attributes<'_>, Undecodable> {
    body.map_or_else(|| Ok(Attributes::default()), Attributes::of)
}
