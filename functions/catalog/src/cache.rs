//! A cache of products.

use std::time::Duration;

use moka::ops::compute::Op;
use moka::sync::Cache;
use orderflow_domain::Sku;

use crate::table::ProductRecord;

/// The most products in the cache.
pub(crate) const CAPACITY: usize = 10_000;

/// The longest time to live. `moka` panics for a time to live of a thousand years.
pub(crate) const TTL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Products as they were last read or written, for a time to live. Clones share their contents.
///
/// The cache also holds removed products, but never returns them: they keep a concurrent reader from inserting an older version of the
/// product that is still for sale.
#[derive(Debug, Clone)]
pub(crate) struct ProductCache {
    products: Cache<Sku, ProductRecord>,
}

impl ProductCache {
    pub(crate) fn new(ttl: Duration) -> Self {
        let products = Cache::builder().max_capacity(CAPACITY as u64).time_to_live(ttl.min(TTL_MAX)).build();
        Self { products }
    }

    /// Returns a product that is for sale and cached, and counts the hit or miss.
    pub(crate) fn for_sale(&self, sku: &Sku) -> Option<ProductRecord> {
        let found = self.products.get(sku).filter(ProductRecord::is_for_sale);
        let outcome = if found.is_some() { "hit" } else { "miss" };
        metrics::counter!("catalog_cache_lookups_total", "outcome" => outcome).increment(1);
        found
    }

    /// Inserts a product as it was read or written, unless the cache has a newer version: reads and writes overtake each other.
    pub(crate) fn insert(&self, record: &ProductRecord) {
        self.products.entry_by_ref(&record.sku).and_compute_with(|known| match known {
            Some(known) if known.value().version > record.version => Op::Nop,
            _ => Op::Put(record.clone()),
        });
    }

    /// Removes a product from the cache.
    fn invalidate(&self, sku: &Sku) {
        self.products.invalidate(sku);
    }

    /// Begins a write of a product.
    pub(crate) fn writing(&self, sku: &Sku) -> Unanswered {
        Unanswered { cache: self.clone(), sku: Some(sku.clone()) }
    }
}

/// A write of a product whose outcome is not known. The store may carry it out without answering, or after its caller has gone away, which drops the
/// write. So the product is removed from the cache when this is dropped.
#[derive(Debug)]
pub(crate) struct Unanswered {
    cache: ProductCache,
    /// `None` once the outcome is known.
    sku: Option<Sku>,
}

impl Unanswered {
    /// The outcome is known.
    pub(crate) fn answered(mut self) {
        self.sku = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(sku) = &self.sku {
            self.cache.invalidate(sku);
        }
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
    fn the_newest_version_stays_in_the_cache() {
        let cache = ProductCache::new(TTL_MAX);
        for record in [product(1), product(3), product(2)] {
            cache.insert(&record);
        }
        assert_eq!(cache.for_sale(&product(1).sku).unwrap().version, 3);
        cache.insert(&removed(4));
        cache.insert(&product(3));
        assert_eq!(cache.for_sale(&product(1).sku), None, "an older version does not replace it");
        cache.insert(&product(5));
        assert_eq!(cache.for_sale(&product(1).sku).unwrap().version, 5);
    }

    #[test]
    fn a_product_leaves_the_cache_with_a_write_that_is_dropped_unanswered() {
        let cache = ProductCache::new(TTL_MAX);
        cache.insert(&product(1));
        cache.writing(&product(1).sku).answered();
        assert!(cache.for_sale(&product(1).sku).is_some());
        drop(cache.writing(&product(1).sku));
        assert_eq!(cache.for_sale(&product(1).sku), None);
    }

    #[test]
    fn a_zero_time_to_live_disables_the_cache_and_the_longest_is_accepted() {
        for (ttl, cached) in [(Duration::ZERO, false), (Duration::MAX, true)] {
            let cache = ProductCache::new(ttl);
            cache.insert(&product(1));
            assert_eq!(cache.for_sale(&product(1).sku).is_some(), cached);
        }
    }
}
