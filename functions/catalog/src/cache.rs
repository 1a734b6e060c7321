//! Products as they were last seen.

use std::time::Duration;

use moka::ops::compute::Op;
use moka::sync::Cache;
use orderflow_domain::Sku;

use crate::table::ProductRecord;

/// The most products that are remembered.
pub(crate) const CAPACITY: usize = 10_000;

/// What a time to live is cut to: the cache panics at one of a thousand years.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Products as they were last seen, for a while. Clones share what they remember.
///
/// A product that was removed is remembered too, and never given out: it keeps a reader that is late from bringing the product back.
#[derive(Debug, Clone)]
pub(crate) struct ProductCache {
    products: Cache<Sku, ProductRecord>,
}

impl ProductCache {
    pub(crate) fn new(ttl: Duration) -> Self {
        let products = Cache::builder().max_capacity(CAPACITY as u64).time_to_live(ttl.min(LONGEST)).build();
        Self { products }
    }

    /// A product that is sold, if it is remembered.
    pub(crate) fn sold(&self, sku: &Sku) -> Option<ProductRecord> {
        let found = self.products.get(sku).filter(ProductRecord::is_sold);
        let outcome = if found.is_some() { "hit" } else { "miss" };
        metrics::counter!("catalog_cache_lookups_total", "outcome" => outcome).increment(1);
        found
    }

    /// Remembers a product as it was read or written, unless a newer version is known: reads and writes overtake each other.
    pub(crate) fn remember(&self, record: &ProductRecord) {
        self.products.entry_by_ref(&record.sku).and_compute_with(|known| match known {
            Some(known) if known.value().version > record.version => Op::Nop,
            _ => Op::Put(record.clone()),
        });
    }

    /// Forgets a product.
    pub(crate) fn forget(&self, sku: &Sku) {
        self.products.invalidate(sku);
    }
}

#[cfg(test)]
mod tests {
    use orderflow_domain::{Currency, Money, Timestamp};

    use super::*;
    use crate::table::LISTED_PARTITION;

    fn product(version: u32) -> ProductRecord {
        let now = Timestamp::now();
        ProductRecord {
            sku: Sku::parse("A").unwrap(),
            name: format!("version {version}"),
            price: Money { amount: 100, currency: Currency::parse("USD").unwrap() },
            stock: 0,
            listed: Some(LISTED_PARTITION.to_owned()),
            created_at: now,
            updated_at: now,
            version,
            traceparent: None,
        }
    }

    fn removed(version: u32) -> ProductRecord {
        ProductRecord { listed: None, ..product(version) }
    }

    #[test]
    fn the_newest_version_stays_whoever_comes_last() {
        let cache = ProductCache::new(LONGEST);
        for record in [product(1), product(3), product(2)] {
            cache.remember(&record);
        }
        assert_eq!(cache.sold(&product(1).sku).unwrap().version, 3);
        cache.remember(&removed(4));
        cache.remember(&product(3));
        assert_eq!(cache.sold(&product(1).sku), None, "a late reader does not bring it back");
        cache.remember(&product(5));
        assert_eq!(cache.sold(&product(1).sku).unwrap().version, 5);
    }

    #[test]
    fn nothing_is_remembered_for_no_time_and_every_time_will_do() {
        for (ttl, remembered) in [(Duration::ZERO, false), (Duration::MAX, true)] {
            let cache = ProductCache::new(ttl);
            cache.remember(&product(1));
            assert_eq!(cache.sold(&product(1).sku).is_some(), remembered);
        }
    }
}
