//! The buffer in front of the counters of a shard: one item with the counts of many counters, so that counting a batch changes one item and not
//! one for each counter. When a buffer is full, its counts are added to the counters, in the transaction that empties it.

use orderflow_bugs::is_planted;
use orderflow_domain::Timestamp;
use orderflow_store::{StoreError, Table, Value, Write};

use crate::counters::{CounterId, Counts, Increments};
use crate::table::{BufferRecord, PartitionKey, SHARDS};

/// The most bytes of counts with which the item of a buffer stays below 1 KB, which is one write unit.
const SMALL: usize = 940;

/// The most bytes of counts in any buffer: the item stays below 2 KB. A shop with many SKUs fills a larger buffer; a flush costs one write for
/// each of them, and so more than the larger item.
const LARGE: usize = 1_900;

/// The least space, in bytes, that the SKUs must leave in a small buffer for the buckets of series.
const FOR_SERIES: usize = 120;

/// A buffer as it was read or written last, and its shard.
#[derive(Debug)]
pub(crate) struct Buffer {
    shard: u8,
    version: u32,
    counts: Increments,
}

/// The writes that add to a buffer, and the buffer after them.
#[derive(Debug)]
pub(crate) struct BufferUpdate {
    pub writes: Vec<Write>,
    pub buffer: Buffer,
}

impl Buffer {
    /// Reads the buffer of a shard that is chosen at random.
    pub(crate) async fn read(table: &Table, generation: u32) -> Result<Self, StoreError> {
        let shard = fastrand::u8(0..SHARDS);
        let found: Option<BufferRecord> = table.get(BufferRecord::key(table, generation, shard)).await?;
        let version = found.as_ref().map_or(0, |record| record.version);
        let counts = found.iter().flat_map(BufferRecord::counts).collect();
        Ok(Self { shard, version, counts })
    }

    /// Plans to add counts. If the buffer is full then, up to `counters_max` counters are written too.
    pub(crate) fn add(
        &self,
        table: &Table,
        generation: u32,
        increments: &Increments,
        counters_max: usize,
    ) -> Result<BufferUpdate, StoreError> {
        let (now, version) = (Timestamp::now(), self.version + 1);
        let mut counts = self.counts.clone();
        counts.merge(increments.clone());
        let flushed = counts.take_first(overflow(&counts).min(counters_max));
        let mut record = BufferRecord { counts: Default::default(), updated_at: now, version };
        record
            .counts
            .extend(counts.iter().map(|(counter, counts)| (counter.short_name(), counts.to_string())));
        let put = Write::put(table, &record.item(generation, self.shard))?;
        let put = match self.version {
            _ if is_planted("count-buffer-overwritten") => put,
            0 => put.if_absent(),
            version => put.if_version(version),
        };
        let counter = |(counter, counts): (CounterId, Counts)| {
            let pk = PartitionKey::Counters { collection: counter.collection, generation, shard: self.shard };
            let write = Write::update(table, table.key_with_range(pk.to_string(), &counter.name))
                .set("updated_at", Value::S(now.to_string()))
                .set("flushed", Value::N(version.to_string()));
            let increments = counts.by_attribute().into_iter().filter(|(_, increment)| *increment != 0);
            increments.fold(write, |write, (attribute, increment)| write.increment(attribute, increment))
        };
        let writes = std::iter::once(put).chain(flushed.into_iter().map(counter)).collect();
        Ok(BufferUpdate { writes, buffer: Self { shard: self.shard, version, counts } })
    }
}

impl BufferRecord {
    /// Returns the counts with their counters. Those of counters that this version does not know are left out.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (CounterId, Counts)> {
        let counts = self.counts.iter();
        counts.filter_map(|(name, counts)| Some((CounterId::from_short_name(name)?, Counts::parse(counts)?)))
    }
}

/// Returns how many of the first counters have to be flushed. Buckets of series come first: most of them are past, and get no more counts.
fn overflow(counts: &Increments) -> usize {
    let sizes = |of_skus: bool| {
        let of_kind = counts.iter().filter(move |(counter, _)| counter.is_sku() == of_skus);
        of_kind.map(|(counter, counts)| size(counter, counts))
    };
    let (series, skus): (usize, usize) = (sizes(false).sum(), sizes(true).sum());
    let limit = if skus + FOR_SERIES <= SMALL { SMALL } else { LARGE };
    if series + skus <= limit {
        0
    } else if skus + FOR_SERIES <= limit {
        sizes(false).count()
    } else {
        counts.iter().count()
    }
}

/// Returns the size of an entry as DynamoDB counts it.
fn size(counter: &CounterId, counts: &Counts) -> usize {
    counter.short_name().len() + counts.to_string().len() + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::{ALL_ORDERS, Bucket, Collection, SKU_PREFIX};

    fn counts(skus: usize, minutes: i64) -> Increments {
        let mut counts = Increments::default();
        let one = Counts { orders: 1, ..Counts::default() };
        counts.add(Collection::Summary, ALL_ORDERS, one);
        for sku in 0..skus {
            let units = Counts { quantity: 1, ..Counts::default() };
            counts.add(Collection::Summary, format!("{SKU_PREFIX}PRODUCT-{sku:03}"), units);
        }
        for minute in 0..minutes {
            let start = Timestamp::from_millis(minute * 60_000).to_string();
            counts.add(Collection::Series(Bucket::Minute), start, one);
        }
        counts
    }

    #[test]
    fn a_full_buffer_flushes_the_series_first_and_keeps_the_skus_while_they_fit() {
        assert_eq!(overflow(&counts(50, 10)), 0);
        let mut few = counts(50, 30);
        assert_eq!(overflow(&few), 31, "all but the skus");
        assert!(few.take_first(31).iter().all(|(counter, _)| !counter.is_sku()));
        assert_eq!(overflow(&few), 0);
        assert_eq!(overflow(&counts(90, 20)), 0, "a shop with more skus has a larger buffer");
        assert_eq!(overflow(&counts(200, 3)), 204);
    }
}
