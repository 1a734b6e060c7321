//! Lists items by an index. A hash key that very many items share is split into shards, because one partition of an index takes only 1,000
//! writes per second (AWS limit).

use std::fmt;

use futures::future::try_join_all;
use orderflow_domain::{OrderId, Timestamp};
use orderflow_store_port::{KeyRange, Query};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{StoreError, Table, Value};

/// Returns the hash key of an item under `value`: `value#shard`. The shard is a hash of the item's id, so that later writes of the item find
/// it again.
pub fn partition(value: &str, id: &str, shards: u8) -> String {
    // FNV-1a gives the same shard in every version and on every platform. Stored items depend on it.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{value}#{}", hash % u64::from(shards.max(1)))
}

/// Returns all hash keys under `value`.
pub fn partitions(value: &str, shards: u8) -> Vec<String> {
    (0..shards.max(1)).map(|shard| format!("{value}#{shard}")).collect()
}

/// The range key of an index that lists orders, or what belongs to one order each, by time. The texts of keys sort as the keys do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeKey {
    /// When the item was created.
    pub time: Timestamp,
    /// The order.
    pub order_id: OrderId,
}

impl TimeKey {
    /// Parses `time#order id`. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (time, order_id) = text.split_once('#')?;
        Some(Self { time: Timestamp::parse(time).ok()?, order_id: OrderId::parse(order_id).ok()? })
    }
}

impl fmt::Display for TimeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.time, self.order_id)
    }
}

impl Serialize for TimeKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a time and the id of an order"))
    }
}

/// A listing of the items of some partitions of an index, in the order of their range keys.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The index.
    pub index: &'static crate::IndexDefinition,
    /// The hash keys of the partitions.
    pub partitions: Vec<String>,
    /// Whether the highest range key comes first.
    pub descending: bool,
}

/// A partition of a listing, and how far it was read.
struct Partition<'a> {
    hash: &'a str,
    /// The key after which the unread keys begin.
    last: Option<String>,
    ended: bool,
}

impl Partition<'_> {
    /// Returns whether an unread key may come before the last key that is wanted, if there are that many keys yet.
    fn may_precede(&self, last_wanted: Option<&String>, listing: &Listing) -> bool {
        let before = |(last, wanted): (&String, &String)| {
            if listing.descending { last > wanted } else { last < wanted }
        };
        !self.ended && self.last.as_ref().zip(last_wanted).is_none_or(before)
    }
}

impl Table {
    /// Returns the next `limit` range keys of a listing after `after`, merged over its partitions. Fewer than `limit` keys mean that the listing
    /// ends there.
    ///
    /// Each partition is first asked for twice its share of the keys. Only those that may hold further keys of the result are asked again, so
    /// that a listing over many partitions reads about twice `limit` entries of the index, and not `limit` of each partition.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails.
    pub async fn list(
        &self,
        listing: &Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let share = match listing.partitions.len() {
            0 | 1 => limit,
            partitions => limit.min(2 * limit.div_ceil(partitions)),
        };
        let hashes = listing.partitions.iter();
        let mut partitions: Vec<Partition<'_>> =
            hashes.map(|hash| Partition { hash, last: after.map(str::to_owned), ended: false }).collect();
        let mut keys: Vec<String> = Vec::with_capacity(2 * limit);
        loop {
            let last_wanted = limit.checked_sub(1).and_then(|position| keys.get(position));
            let unread =
                partitions.iter_mut().filter(|partition| partition.may_precede(last_wanted, listing));
            let reads = unread.map(|partition| self.read_on(listing, partition, share));
            let found = try_join_all(reads).await?;
            if found.is_empty() {
                return Ok(keys);
            }
            keys.extend(found.into_iter().flatten());
            keys.sort_unstable();
            if listing.descending {
                keys.reverse();
            }
            keys.truncate(limit);
        }
    }

    /// Returns the next `limit` keys of a partition.
    async fn read_on(
        &self,
        listing: &Listing,
        partition: &mut Partition<'_>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let keys = self.list_partition(listing, partition.hash, partition.last.as_deref(), limit).await?;
        partition.ended = keys.len() < limit;
        partition.last = keys.last().cloned().or(partition.last.take());
        Ok(keys)
    }

    /// Returns the next `limit` range keys of a listing after `after`. If there are more, also returns the key after which they follow.
    ///
    /// # Errors
    /// [`StoreError`] if a request fails.
    pub async fn page(
        &self,
        listing: &Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let mut keys = self.list(listing, after, limit + 1).await?;
        let more = keys.len() > limit;
        keys.truncate(limit);
        let next = keys.last().filter(|_| more).cloned();
        Ok((keys, next))
    }

    async fn list_partition(
        &self,
        listing: &Listing,
        hash: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let after = after.map(str::to_owned);
        let range = match after {
            None => KeyRange::All,
            Some(after) if listing.descending => KeyRange::Before(after),
            Some(after) => KeyRange::After(after),
        };
        let mut query = Query {
            index: Some(listing.index),
            range,
            descending: listing.descending,
            ..Query::new(&self.table, hash)
        };
        let mut keys = Vec::new();
        loop {
            query.limit = Some(limit - keys.len());
            let page = self.backend.query(query.clone()).await?;
            keys.extend(page.items.into_iter().filter_map(
                |mut item| match item.remove(listing.index.range) {
                    Some(Value::S(key)) => Some(key),
                    _ => None,
                },
            ));
            query.start_after = page.next;
            if keys.len() >= limit || query.start_after.is_none() {
                return Ok(keys);
            }
        }
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod list_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_in_one_of_the_partitions() {
        for id in 0..200 {
            let partition = partition("pending", &id.to_string(), 16);
            assert!(partitions("pending", 16).contains(&partition));
        }
    }

    #[test]
    fn the_text_of_a_time_key_is_read_back_and_garbage_is_not() {
        let time = Timestamp::from_millis(1_700_000_000_123);
        let key = TimeKey { time, order_id: OrderId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap() };
        assert_eq!(key.to_string(), "2023-11-14T22:13:20.123Z#0190163d-8694-739b-aea5-966c26f8ad91");
        assert_eq!(TimeKey::parse(&key.to_string()), Some(key));
        for garbage in ["", "#", "2023-11-14T22:13:20.123Z", "soon#0190163d-8694-739b-aea5-966c26f8ad91"] {
            assert_eq!(TimeKey::parse(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn partitions_are_stable() {
        assert_eq!(partition("all", "0190163d-8694-739b-aea5-966c26f8ad91", 16), "all#2");
    }
}
