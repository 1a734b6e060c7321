//! Which generation of counters is current, and which one a rebuild fills.

use std::collections::BTreeSet;

use orderflow_store::{Store, StoreError, Table, Write, WriteError};

use crate::table::{ANALYTICS, GenerationsRecord};

impl GenerationsRecord {
    /// Returns the generations that each event must be counted in.
    pub(crate) fn counted(&self) -> BTreeSet<u32> {
        std::iter::once(self.current).chain(self.next).collect()
    }
}

/// The current generation could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerationError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another rebuild began a newer generation.
    #[error("another rebuild began a newer generation")]
    Superseded,
}

/// Reads and changes which generation is current.
#[derive(Debug, Clone)]
pub(crate) struct Generations {
    store: Store,
    table: Table,
}

impl Generations {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ANALYTICS) }
    }

    /// Reads the record. Before the first rebuild there is none, and generation 0 is current.
    pub(crate) async fn read(&self) -> Result<GenerationsRecord, StoreError> {
        let found = self.table.get(GenerationsRecord::key(&self.table)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Begins a new generation, which consumers count in from now on too. A generation that another rebuild was filling
    /// is abandoned.
    pub(crate) async fn begin(&self) -> Result<u32, GenerationError> {
        let before = self.read().await?;
        let next = before.next.unwrap_or(before.current) + 1;
        self.replace(&before, GenerationsRecord { next: Some(next), ..before.clone() }).await?;
        Ok(next)
    }

    /// Makes the generation that was built the current one.
    pub(crate) async fn switch_to(&self, generation: u32) -> Result<(), GenerationError> {
        let before = self.read().await?;
        if before.next != Some(generation) {
            return Err(GenerationError::Superseded);
        }
        self.replace(&before, GenerationsRecord { current: generation, next: None, ..before.clone() }).await
    }

    async fn replace(
        &self,
        before: &GenerationsRecord,
        after: GenerationsRecord,
    ) -> Result<(), GenerationError> {
        let record = GenerationsRecord { version: before.version + 1, ..after };
        let put = Write::put(&self.table, &record.item())?;
        let put = match before.version {
            0 => put.if_absent(),
            version => put.if_version(version),
        };
        match self.store.write(put).await {
            Ok(()) => Ok(()),
            Err(WriteError::ConditionFailed(_)) => Err(GenerationError::Superseded),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }
}
