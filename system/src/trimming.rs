//! Trims the streams of the embedded store when the relays run in other processes.

use std::collections::HashMap;
use std::time::Duration;

use orderflow_bridge::{Position, RUNTIME, RuntimeTable};
use orderflow_embedded::Embedded;
use orderflow_store::{IndependentWrites, Store};

/// How often the cursors are read. Records written meanwhile use space in the database, but cost no time.
const EVERY: Duration = Duration::from_secs(2);

/// Reads the cursors that relays save, and deletes the stream records before them.
pub struct Trimming {
    embedded: Embedded,
    /// The cursor of each table when its stream was last trimmed.
    trimmed: HashMap<String, Position>,
}

impl Trimming {
    /// Makes a trimming of the streams of this store.
    pub fn new(embedded: Embedded) -> Self {
        Self { embedded, trimmed: HashMap::new() }
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
                    match self.trim(&table, &cursor.sequence_number).await {
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

    /// Trims on a blocking thread, since a stream that grew during a long outage of the relay takes time.
    async fn trim(&self, table: &str, through: &str) -> anyhow::Result<()> {
        let (embedded, name, through) = (self.embedded.clone(), table.to_owned(), through.to_owned());
        let records = tokio::task::spawn_blocking(move || embedded.trim_stream(&name, &through)).await??;
        tracing::debug!(table, records, "stream trimmed");
        Ok(())
    }
}
