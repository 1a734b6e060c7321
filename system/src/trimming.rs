//! Trims the streams of the embedded store when the relays run in other processes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use orderflow_bridge::{RUNTIME, RuntimeTable};
use orderflow_store::{Backend, Position, Store};

/// How often the cursors are read. Records written meanwhile use space in the database, but cost no time.
const EVERY: Duration = Duration::from_secs(2);

/// Reads the cursors that relays save, and deletes the stream records before them.
pub struct Trimming {
    backend: Arc<dyn Backend>,
    /// The cursor of each table when its stream was last trimmed.
    trimmed: HashMap<String, Position>,
}

impl Trimming {
    /// Makes a trimming of the streams of this store.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, trimmed: HashMap::new() }
    }

    /// Trims until dropped.
    pub async fn run(mut self) {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(EVERY).await;
            let trimmed = self.trim_all().await;
            let was_failing = std::mem::replace(&mut is_failing, trimmed.is_err());
            if let (Err(error), false) = (trimmed, was_failing) {
                tracing::warn!(error = format!("{error:#}"), "streams are not trimmed; trying again");
            }
        }
    }

    async fn trim_all(&mut self) -> anyhow::Result<()> {
        let mut failed = Ok(());
        for runtime in self.runtime_tables().await? {
            for (table, cursor) in runtime.cursors().await? {
                if self.trimmed.get(&table) != Some(&cursor) {
                    match self.trim(&table, &cursor).await {
                        Ok(()) => drop(self.trimmed.insert(table, cursor)),
                        Err(error) => {
                            failed = Err(error.context(format!("stream of {table} cannot be trimmed")))
                        }
                    }
                }
            }
        }
        failed
    }

    /// Returns the tables with cursors, of every prefix. Before the first relay has started there are none.
    async fn runtime_tables(&self) -> anyhow::Result<Vec<RuntimeTable>> {
        let names = self.backend.list_tables().await?;
        let prefixes = names.iter().filter_map(|name| name.strip_suffix(RUNTIME.name)?.strip_suffix('-'));
        Ok(prefixes.map(|prefix| RuntimeTable::new(&Store::new(Arc::clone(&self.backend), prefix))).collect())
    }

    async fn trim(&self, table: &str, through: &Position) -> anyhow::Result<()> {
        let records = self.backend.trim_stream(table, through).await?;
        tracing::debug!(table, records, "stream trimmed");
        Ok(())
    }
}
