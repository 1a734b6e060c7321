//! Waking those who read a table's stream.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// One counter of writes for each table that somebody watches.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_table: Mutex<HashMap<String, watch::Sender<u64>>>,
}

impl Changes {
    pub(crate) fn watch(&self, table: &str) -> watch::Receiver<u64> {
        let mut by_table = self.by_table.lock().unwrap_or_else(PoisonError::into_inner);
        by_table.entry(table.to_owned()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// To be called when the write can be read.
    pub(crate) fn announce(&self, table: &str) {
        let by_table = self.by_table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writes) = by_table.get(table) {
            writes.send_modify(|count| *count += 1);
        }
    }
}
