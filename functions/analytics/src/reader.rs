//! Reading counters.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures::future::try_join_all;
use orderflow_domain::Timestamp;
use orderflow_store::{Store, StoreError, Table};

use crate::generations::Generations;
use crate::table::{ANALYTICS, CounterRecord, SHARDS, counters_pk};
use crate::tally::{Collection, Counts};

/// Reads the counters that are valid.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    table: Table,
    generations: Generations,
}

/// Counters by name, over all shards.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub counts: BTreeMap<String, Counts>,
    /// When one of them last changed.
    pub updated_at: Option<Timestamp>,
}

impl Reader {
    pub(crate) fn new(store: &Store) -> Self {
        Self { table: store.table(&ANALYTICS), generations: Generations::new(store) }
    }

    /// The counters of a collection with names in this range.
    pub(crate) async fn read(
        &self,
        collection: Collection,
        names: RangeInclusive<&str>,
    ) -> Result<Counters, StoreError> {
        loop {
            let generation = self.generations.read().await?.current;
            let counters = self.read_generation(collection, generation, &names).await?;
            // What a recount replaced meanwhile may be half deleted.
            if self.generations.read().await?.current == generation {
                return Ok(counters);
            }
        }
    }

    async fn read_generation(
        &self,
        collection: Collection,
        generation: u32,
        names: &RangeInclusive<&str>,
    ) -> Result<Counters, StoreError> {
        let pks: Vec<String> = (0..SHARDS).map(|shard| counters_pk(collection, generation, shard)).collect();
        let shards = pks.iter().map(|pk| self.table.get_range(pk, names.clone()));
        let records: Vec<Vec<CounterRecord>> = try_join_all(shards).await?;
        let mut counters = Counters::default();
        records.into_iter().flatten().for_each(|record| counters.take_in(record));
        Ok(counters)
    }
}

impl Counters {
    fn take_in(&mut self, record: CounterRecord) {
        self.updated_at = self.updated_at.max(Some(record.updated_at));
        *self.counts.entry(record.name).or_default() += record.counts;
    }
}
