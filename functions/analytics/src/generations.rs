//! Which generation of counters is valid, and which one is being made.

use std::collections::BTreeSet;

use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use serde::{Deserialize, Serialize};

use crate::recount::RecountError;
use crate::table::ANALYTICS;

const KEY: &str = "generations";

/// The one item that says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GenerationsRecord {
    /// Whose counters are shown.
    pub current: u32,
    /// The one that a recount is making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    version: u32,
}

impl GenerationsRecord {
    /// In which an event has to be counted.
    pub(crate) fn counted(&self) -> BTreeSet<u32> {
        std::iter::once(self.current).chain(self.next).collect()
    }
}

#[derive(Serialize)]
struct GenerationsItem<'a> {
    pk: &'static str,
    sk: &'static str,
    #[serde(flatten)]
    record: &'a GenerationsRecord,
}

/// Reads and changes which generation is valid.
#[derive(Debug, Clone)]
pub(crate) struct Generations {
    store: Store,
    table: Table,
}

impl Generations {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&ANALYTICS) }
    }

    /// Where nothing was ever recounted there is only the first generation, and no item.
    pub(crate) async fn read(&self) -> Result<GenerationsRecord, StoreError> {
        let found = self.table.get(self.table.key_with_range(KEY, KEY)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Opens a new generation. From now on whoever counts counts in it too. One that was being made is given up.
    pub(crate) async fn begin(&self) -> Result<u32, RecountError> {
        let before = self.read().await?;
        let next = before.next.unwrap_or(before.current) + 1;
        self.replace(&before, GenerationsRecord { next: Some(next), ..before.clone() }).await?;
        Ok(next)
    }

    /// Makes the generation that was being made the valid one.
    pub(crate) async fn switch_to(&self, generation: u32) -> Result<(), RecountError> {
        let before = self.read().await?;
        if before.next != Some(generation) {
            return Err(RecountError::Overtaken);
        }
        self.replace(&before, GenerationsRecord { current: generation, next: None, ..before.clone() }).await
    }

    async fn replace(
        &self,
        before: &GenerationsRecord,
        after: GenerationsRecord,
    ) -> Result<(), RecountError> {
        let record = GenerationsRecord { version: before.version + 1, ..after };
        let put = Write::put(&self.table, &GenerationsItem { pk: KEY, sk: KEY, record: &record })?;
        let put = match before.version {
            0 => put.if_absent(),
            version => put.if_version(version),
        };
        match self.store.write(put).await {
            Ok(()) => Ok(()),
            Err(WriteError::ConditionFailed(_)) => Err(RecountError::Overtaken),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }
}
