//! Reads counters.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures::future::try_join_all;
use orderflow_domain::Timestamp;
use orderflow_store::{Store, StoreError, Table};

use crate::counters::{Collection, Counts};
use crate::generations::Generations;
use crate::table::{ANALYTICS, CounterShard, PartitionKey, SHARDS};

/// Reads the counters of the current generation.
#[derive(Debug, Clone)]
pub(crate) struct CounterReader {
    table: Table,
    generations: Generations,
}

/// Counters by name, summed over all shards.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub counts: BTreeMap<String, Counts>,
    /// When one of them last changed.
    pub updated_at: Option<Timestamp>,
}

impl CounterReader {
    pub(crate) fn new(store: &Store) -> Self {
        Self { table: store.table(&ANALYTICS), generations: Generations::new(store) }
    }

    /// Reads the counters of a collection whose names are in this range.
    pub(crate) async fn read(
        &self,
        collection: Collection,
        names: RangeInclusive<&str>,
    ) -> Result<Counters, StoreError> {
        loop {
            let generation = self.generations.read().await?.current;
            let counters = self.read_generation(collection, generation, &names).await?;
            // A generation that a rebuild replaced in the meantime may be partly deleted.
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
        let pk = |shard| PartitionKey::Counters { collection, generation, shard }.to_string();
        let pks: Vec<String> = (0..SHARDS).map(pk).collect();
        let shards = pks.iter().map(|pk| self.table.get_range(pk, names.clone()));
        let shards: Vec<Vec<CounterShard>> = try_join_all(shards).await?;
        let mut counters = Counters::default();
        shards.into_iter().flatten().for_each(|shard| counters.add(shard));
        Ok(counters)
    }
}

impl Counters {
    fn add(&mut self, shard: CounterShard) {
        self.updated_at = self.updated_at.max(Some(shard.updated_at));
        *self.counts.entry(shard.name).or_default() += shard.counts;
    }
}
