//! Keeping streams short behind relays that run in other processes.

use std::collections::HashMap;
use std::time::Duration;

use orderflow_bridge::{Position, RUNTIME, RuntimeTable};
use orderflow_embedded::Embedded;
use orderflow_store::{IndependentWrites, Store};

/// How often the cursors are read. What comes in meanwhile takes room in the database and no time.
const EVERY: Duration = Duration::from_secs(2);

/// Follows the cursors that relays save, and forgets what lies behind them.
pub struct Trimming {
    embedded: Embedded,
    /// Where the cursor of each table was when its stream was last trimmed.
    trimmed: HashMap<String, Position>,
}

impl Trimming {
    /// Returns a task that trims the streams of this store.
    pub fn new(embedded: Embedded) -> Self {
        Self { embedded, trimmed: HashMap::new() }
    }

    /// Trims until dropped.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.trim_all().await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the cursors cannot be read; the streams only grow"
                );
            }
        }
    }

    async fn trim_all(&mut self) -> anyhow::Result<()> {
        for runtime in self.runtime_tables().await? {
            for (table, cursor) in runtime.cursors().await? {
                if self.trimmed.get(&table) != Some(&cursor) {
                    match self.trim(&table, &cursor.sequence_number).await {
                        Ok(()) => drop(self.trimmed.insert(table, cursor)),
                        Err(error) => {
                            tracing::warn!(
                                table,
                                error = format!("{error:#}"),
                                "the stream could not be trimmed"
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The tables of cursors that there are, under whatever prefix. There is none before the first relay has started.
    async fn runtime_tables(&self) -> anyhow::Result<Vec<RuntimeTable>> {
        let client = self.embedded.dynamodb();
        let mut names = client.list_tables().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(name) = names.next().await {
            let name = name?;
            if let Some(prefix) = name.strip_suffix(RUNTIME.name).and_then(|prefix| prefix.strip_suffix('-'))
            {
                let store = Store::new(client.clone(), prefix, IndependentWrites::OneTransaction);
                found.push(RuntimeTable::new(&store));
            }
        }
        Ok(found)
    }

    /// Away from the threads that answer requests, for after a long outage of the relay it takes a while.
    async fn trim(&self, table: &str, through: &str) -> anyhow::Result<()> {
        let (embedded, name, through) = (self.embedded.clone(), table.to_owned(), through.to_owned());
        let records = tokio::task::spawn_blocking(move || embedded.trim_stream(&name, &through)).await??;
        tracing::debug!(table, records, "trimmed a stream");
        Ok(())
    }
}
