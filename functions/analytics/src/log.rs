//! What was counted of each order: a log for each window of ten seconds in which orders were placed.
//!
//! A consumer that counts orders of a window reads its log, and appends one item that has the next position. The item is written on the condition that
//! there is none at this position, in the transaction that adds to the counters. So the transaction fails if anything was appended since the log
//! was read, and an order is never counted by two writers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, TryStreamExt, stream};
use orderflow_bugs::is_planted;
use orderflow_domain::OrderId;
use orderflow_store::{StoreError, Table, Write};

use crate::plan::CountUpdate;
use crate::table::{CountedOrder, LogRecord, PartitionKey, Window};

/// The number of logs that are read at once.
const CONCURRENT_READS: usize = 16;

/// The number of orders whose logs stay in memory between batches.
const ORDERS_KEPT: usize = 50_000;

/// The number of logs that stay in memory between batches.
const LOGS_KEPT: usize = 32;

/// The log of a window in a generation.
pub(crate) type LogId = (Window, u32);

/// What is known of a log.
#[derive(Debug, Default)]
struct Log {
    /// The number of items.
    length: u32,
    counted: HashMap<OrderId, CountedOrder>,
}

/// The logs that were read, and what was appended to them since. A log to which another writer has appended is forgotten when a write fails.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    known: BTreeMap<LogId, Log>,
}

impl Logs {
    /// Reads those of the logs that are not known.
    pub(crate) async fn read(&mut self, table: &Table, logs: BTreeSet<LogId>) -> Result<(), StoreError> {
        let unknown: Vec<LogId> = logs.into_iter().filter(|id| !self.known.contains_key(id)).collect();
        let reads =
            unknown.into_iter().map(|id| async move { Ok::<_, StoreError>((id, read(table, id).await?)) });
        let read: Vec<(LogId, Log)> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        self.known.extend(read);
        Ok(())
    }

    /// Returns what is counted of an order, from a log that was read.
    pub(crate) fn counted(&self, log: LogId, order: OrderId) -> Option<&CountedOrder> {
        self.known.get(&log)?.counted.get(&order)
    }

    /// Returns the writes that append updates to their logs, which were read: one for each log.
    pub(crate) fn writes(
        &self,
        table: &Table,
        generation: u32,
        updates: &[CountUpdate],
    ) -> Result<Vec<Write>, StoreError> {
        let mut records: BTreeMap<Window, LogRecord> = BTreeMap::new();
        for update in updates {
            let record =
                records.entry(update.window).or_insert_with(|| LogRecord { orders: BTreeMap::new() });
            record.orders.insert(update.order_id.to_string(), update.counted.as_str().to_owned());
        }
        let write = |(window, record): (Window, LogRecord)| {
            let position = self.known.get(&(window, generation)).map_or(0, |log| log.length);
            let put = Write::put(table, &record.item(PartitionKey::Log { generation, window }, position))?;
            Ok(if is_planted("count-log-overwritten") { put } else { put.if_absent() })
        };
        records.into_iter().map(write).collect()
    }

    /// Remembers that these updates were appended.
    pub(crate) fn appended(&mut self, generation: u32, updates: &[CountUpdate]) {
        let windows: BTreeSet<Window> = updates.iter().map(|update| update.window).collect();
        for window in windows {
            self.known.entry((window, generation)).or_default().length += 1;
        }
        for update in updates {
            let log = self.known.entry((update.window, generation)).or_default();
            log.counted.insert(update.order_id, update.counted);
        }
    }

    /// Forgets the logs of these updates: they may have changed.
    pub(crate) fn forget(&mut self, generation: u32, updates: &[CountUpdate]) {
        updates.iter().for_each(|update| drop(self.known.remove(&(update.window, generation))));
    }

    /// Forgets the oldest logs if too many are in memory.
    pub(crate) fn shrink(&mut self) {
        let mut orders: usize = self.known.values().map(|log| log.counted.len()).sum();
        while orders > ORDERS_KEPT || self.known.len() > LOGS_KEPT {
            let Some((_, oldest)) = self.known.pop_first() else { return };
            orders -= oldest.counted.len();
        }
    }
}

async fn read(table: &Table, (window, generation): LogId) -> Result<Log, StoreError> {
    let pk = PartitionKey::Log { generation, window }.to_string();
    let records: Vec<LogRecord> = table.get_collection(&pk).await?;
    let mut log = Log::default();
    for record in records {
        log.length += 1;
        let orders = record.orders.iter();
        log.counted.extend(
            orders.filter_map(|(id, counted)| Some((OrderId::parse(id).ok()?, CountedOrder::parse(counted)))),
        );
    }
    Ok(log)
}
