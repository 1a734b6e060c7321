//! Reads counters.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use futures::future::try_join_all;
use orderflow_domain::Timestamp;
use orderflow_store::{Store, StoreError, Table};
use serde::Deserialize;

use crate::counters::{Collection, Counts};
use crate::generations::Generations;
use crate::table::{ANALYTICS, BufferRecord, CounterShard, PartitionKey, SHARDS};

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
    /// Whether a shard has more counters than were read.
    pub has_more: bool,
}

/// Which counters of a shard are read.
enum Part<'a> {
    /// Those whose names are in this range.
    Named(RangeInclusive<&'a str>),
    /// So many, in the order of their names.
    First(usize),
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
        self.read_shards(collection, &Part::Named(names)).await
    }

    /// Reads the first counters of a collection, at most `limit` of each shard.
    pub(crate) async fn read_first(
        &self,
        collection: Collection,
        limit: usize,
    ) -> Result<Counters, StoreError> {
        self.read_shards(collection, &Part::First(limit)).await
    }

    /// Returns a part of a shard, and whether the shard has more.
    async fn read_shard(&self, pk: &str, part: &Part<'_>) -> Result<(Vec<CounterShard>, bool), StoreError> {
        let limit = match part {
            Part::Named(names) => return Ok((self.table.get_range(pk, names.clone()).await?, false)),
            Part::First(limit) => *limit,
        };
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let (page, next) = self.table.get_page(pk, after.as_deref(), limit - found.len()).await?;
            found.extend(page);
            if next.is_none() || found.len() >= limit {
                return Ok((found, next.is_some()));
            }
            after = next;
        }
    }

    /// Reads a part of every shard of the current generation.
    async fn read_shards(&self, collection: Collection, part: &Part<'_>) -> Result<Counters, StoreError> {
        loop {
            let generation = self.generations.read().await?.current;
            let counters = self.read_generation(collection, generation, part).await?;
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
        part: &Part<'_>,
    ) -> Result<Counters, StoreError> {
        // Before the counters: what is flushed in between is then in both, and the version of the flush says so.
        let keys = (0..SHARDS).map(|shard| BufferRecord::key(&self.table, generation, shard)).collect();
        let buffers: Vec<StoredBuffer> = self.table.get_all(keys).await?;
        let pk = |shard| PartitionKey::Counters { collection, generation, shard }.to_string();
        let pks: Vec<String> = (0..SHARDS).map(pk).collect();
        let shards = try_join_all(pks.iter().map(|pk| self.read_shard(pk, part))).await?;
        let mut counters = Counters::default();
        for buffer in buffers {
            let Some(PartitionKey::Buffer { shard, .. }) = PartitionKey::parse(&buffer.pk) else { continue };
            let (flushed, _) = &shards[usize::from(shard)];
            let flushed: HashMap<&str, u32> =
                flushed.iter().map(|counter| (counter.name.as_str(), counter.flushed)).collect();
            counters.updated_at = counters.updated_at.max(Some(buffer.record.updated_at));
            for (counter, counts) in buffer.record.counts() {
                let is_read = counter.collection == collection && part.contains(&counter.name);
                let is_in_counter = flushed
                    .get(counter.name.as_str())
                    .is_some_and(|version| *version > buffer.record.version);
                if is_read && !is_in_counter {
                    *counters.counts.entry(counter.name).or_default() += counts;
                }
            }
        }
        for (shard, has_more) in shards {
            counters.has_more |= has_more;
            shard.into_iter().for_each(|part| counters.add(part));
        }
        Ok(counters)
    }
}

impl Part<'_> {
    /// Returns whether a counter of a buffer is in the part. A buffer has few counters, so all of them are among the first ones.
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::Named(names) => names.contains(&name),
            Self::First(_) => true,
        }
    }
}

/// A buffer with its key.
#[derive(Debug, Deserialize)]
struct StoredBuffer {
    pk: String,
    #[serde(flatten)]
    record: BufferRecord,
}

impl Counters {
    fn add(&mut self, shard: CounterShard) {
        self.updated_at = self.updated_at.max(Some(shard.updated_at));
        *self.counts.entry(shard.name).or_default() += shard.counts;
    }
}
