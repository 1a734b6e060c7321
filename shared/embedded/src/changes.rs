//! Notifies readers of a table's stream of writes to the table.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// A counter of writes for each table that is watched.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_table: Mutex<HashMap<String, watch::Sender<u64>>>,
}

impl Changes {
    pub(crate) fn watch(&self, table: &str) -> watch::Receiver<u64> {
        let mut by_table = self.by_table.lock().unwrap_or_else(PoisonError::into_inner);
        by_table.entry(table.to_owned()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Counts a write that readers can see by now.
    pub(crate) fn announce(&self, table: &str) {
        let by_table = self.by_table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writes) = by_table.get(table) {
            writes.send_modify(|count| *count += 1);
        }
    }
}
