//! The records of the tables' streams.

use std::time::{Duration, UNIX_EPOCH};

use orderflow_store_port::{Change, Position, Replacement, StreamBatch, StreamRecord};
use rusqlite::{Connection, params};

use crate::catalog::Table;
use crate::encoding;
use crate::format::TABLE_SHIFT;
use crate::remnants::replace_in_item;
use crate::request::{StorageError, TRIM_BATCH};

/// The one shard of a table's stream. DynamoDB's clients want names of 28 characters or more.
pub(crate) const SHARD: &str = "shardId-00000000000000000000-orderflow";

/// The most records that one read returns.
const READ_MAX: i64 = 1_000;

/// The most bytes of records after which a read ends.
const READ_BYTES_MAX: usize = 1 << 20;

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Insert = 0,
    Modify = 1,
    Remove = 2,
}

/// Adds a record. `number` is one more than that of the table's newest record.
pub(crate) fn append(
    connection: &Connection,
    table: i64,
    number: i64,
    written_at_ms: i64,
    kind: RecordKind,
    body: &[u8],
) -> rusqlite::Result<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO records (position, written_at, change, body) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![(table << TABLE_SHIFT) + number, written_at_ms, kind as i64, body]).map(drop)
}

/// Returns the next records after a number, and the number of the last of them.
pub(crate) fn read(
    connection: &Connection,
    table: &Table,
    after: i64,
) -> Result<Option<(StreamBatch, i64)>, StorageError> {
    let mut statement = connection.prepare_cached(
        "SELECT position, written_at, change, body FROM records WHERE position > ?1 AND position < ?2
         ORDER BY position LIMIT ?3",
    )?;
    let first = table.id << TABLE_SHIFT;
    let mut rows = statement.query(params![first + after, first + (1 << TABLE_SHIFT), READ_MAX])?;
    let (mut records, mut last, mut bytes) = (Vec::new(), after, 0);
    while let Some(row) = rows.next()? {
        last = row.get::<_, i64>(0)? - first;
        let body = row.get_ref(3)?.as_blob().map_err(|error| StorageError::new(error.to_string()))?;
        records.push(record(table, last, row.get(1)?, row.get(2)?, body)?);
        bytes += body.len();
        if bytes >= READ_BYTES_MAX {
            break;
        }
    }
    let last_position = position(last);
    Ok((!records.is_empty()).then_some((StreamBatch { records, last: last_position }, last)))
}

fn record(
    table: &Table,
    number: i64,
    written_at_ms: u64,
    change: i64,
    body: &[u8],
) -> Result<StreamRecord, StorageError> {
    let item = encoding::decode(body)?;
    let key = [Some(&table.hash), table.range.as_ref()].into_iter().flatten();
    let keys = key.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
    let change = match change {
        0 => Change::Insert,
        1 => Change::Modify,
        _ => Change::Remove,
    };
    Ok(StreamRecord {
        change,
        keys,
        image: (change != Change::Remove).then_some(item),
        sequence_number: sequence_number(number),
        written_at: Some(UNIX_EPOCH + Duration::from_millis(written_at_ms)),
        id: format!("{:08x}{number:024x}", table.id),
    })
}

/// Returns a sequence number: as wide as DynamoDB's, so that their texts sort as the numbers do.
fn sequence_number(number: i64) -> String {
    format!("{number:021}")
}

/// Returns the position of a record.
pub(crate) fn position(number: i64) -> Position {
    Position { shard: SHARD.to_owned(), sequence_number: sequence_number(number) }
}

/// Returns the number of the record at a position.
pub(crate) fn number_at(position: &Position) -> Option<i64> {
    let digits = &position.sequence_number;
    let is_number = position.shard == SHARD && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?.filter(|number| *number < 1 << TABLE_SHIFT)
}

/// Deletes up to [`TRIM_BATCH`] of the oldest records of a table up to this number.
pub(crate) fn trim(connection: &Connection, table: i64, through: i64) -> rusqlite::Result<u64> {
    let first = table << TABLE_SHIFT;
    let mut oldest = connection
        .prepare_cached("SELECT MIN(position) FROM records WHERE position > ?1 AND position <= ?2")?;
    let oldest: Option<i64> = oldest.query_row(params![first, first + through], |row| row.get(0))?;
    let Some(oldest) = oldest else { return Ok(0) };
    let last = (first + through).min(oldest + TRIM_BATCH as i64 - 1);
    let mut delete = connection.prepare_cached("DELETE FROM records WHERE position BETWEEN ?1 AND ?2")?;
    Ok(delete.execute(params![oldest, last])? as u64)
}

/// Returns the position of the newest record of each stream.
pub(crate) fn newest(connection: &Connection) -> Result<Vec<i64>, StorageError> {
    let mut newest = connection.prepare_cached(
        "SELECT (SELECT MAX(position) FROM records WHERE position BETWEEN id << ?1 AND (id + 1 << ?1) - 1)
         FROM tables WHERE streams",
    )?;
    let found = newest.query_map([TABLE_SHIFT], |row| row.get::<_, Option<i64>>(0))?;
    let found: Vec<Option<i64>> = found.collect::<Result<_, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Returns whether a stream still has a record up to one of these positions.
pub(crate) fn has_any_up_to(connection: &Connection, positions: &[i64]) -> Result<bool, StorageError> {
    let mut any = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE position BETWEEN ?1 AND ?2)")?;
    for position in positions {
        let first = (position >> TABLE_SHIFT) << TABLE_SHIFT;
        if any.query_row([first, *position], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Replaces texts in the records of all streams, in one transaction.
pub(crate) fn replace(
    connection: &mut Connection,
    replacements: &[Replacement],
) -> Result<u64, StorageError> {
    let transaction = connection.transaction()?;
    let mut changed = 0;
    for (from, to) in replacements.iter().filter(|(from, _)| !from.is_empty()) {
        let mut find = transaction.prepare("SELECT position, body FROM records WHERE instr(body, ?1) > 0")?;
        let found = find.query_map([from.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found: Vec<(i64, Vec<u8>)> = found.collect::<Result<_, _>>()?;
        let mut update = transaction.prepare("UPDATE records SET body = ?2 WHERE position = ?1")?;
        for (position, body) in found {
            let item = replace_in_item(encoding::decode(&body)?, from, to);
            let body = encoding::encode(&item).map_err(StorageError::new)?;
            changed += update.execute(params![position, body])? as u64;
        }
    }
    transaction.commit()?;
    Ok(changed)
}
