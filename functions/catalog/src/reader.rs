//! Reading products, through the cache.

use orderflow_bugs::is_planted;
use orderflow_domain::{Money, Sku};
use orderflow_store::{Listing, Store, StoreError, Table};

use crate::cache::{CAPACITY, ProductCache};
use crate::settings::CatalogSettings;
use crate::table::{CATALOG, LISTED, LISTED_PARTITION, ProductRecord};

/// The number of products that are read at a time to fill the cache.
const WARM_UP_PAGE: usize = 500;

/// Reads the products that can be ordered, and their prices.
///
/// Products are cached for [`CatalogSettings::cache_ttl`]. Clones share the cache, and a [`crate::CatalogWriter`] over one of them updates it,
/// so that only a change by another process stays unseen for that time. A product that is not cached is read from the store: a new product
/// is found at once, whichever process created it.
#[derive(Debug, Clone)]
pub struct Catalog {
    table: Table,
    cache: ProductCache,
}

/// A product that is for sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedProduct {
    /// The product's sku.
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// The units that inventory books at first.
    pub stock: i64,
}

impl Catalog {
    /// Returns the catalog of this store, with an empty cache.
    pub fn new(store: &Store, settings: &CatalogSettings) -> Self {
        Self { table: store.table(&CATALOG), cache: ProductCache::new(settings.cache_ttl) }
    }

    /// Returns the products with these skus that are for sale, in no particular order. Each sku may be named once.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn find(&self, skus: &[Sku]) -> Result<Vec<PricedProduct>, StoreError> {
        Ok(self.for_sale(skus).await?.into_iter().map(PricedProduct::from).collect())
    }

    /// Reads these products into the cache. Returns the number of those that are for sale. Each sku may be named once.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn warm_up(&self, skus: &[Sku]) -> Result<usize, StoreError> {
        Ok(self.read(skus).await?.iter().filter(|product| product.is_for_sale()).count())
    }

    /// Reads all products into the cache, up to its capacity. Returns their number.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn warm_up_all(&self) -> Result<usize, StoreError> {
        let (mut warmed, mut after) = (0, None::<Sku>);
        while warmed < CAPACITY {
            let (products, next) = self.list(after.as_ref(), WARM_UP_PAGE).await?;
            warmed += products.len();
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(warmed)
    }

    /// Returns the products with these skus that are for sale, from the cache where it has them.
    pub(crate) async fn for_sale(&self, skus: &[Sku]) -> Result<Vec<ProductRecord>, StoreError> {
        let mut found = Vec::with_capacity(skus.len());
        let mut missed = Vec::new();
        for sku in skus {
            match self.cache.for_sale(sku) {
                Some(product) => found.push(product),
                None => missed.push(sku.clone()),
            }
        }
        let read = self.read(&missed).await?.into_iter();
        found.extend(read.filter(|product| product.is_for_sale() || is_planted("removed-product-sold")));
        Ok(found)
    }

    /// Reads products from the store, removed ones included.
    pub(crate) async fn read(&self, skus: &[Sku]) -> Result<Vec<ProductRecord>, StoreError> {
        let found: Vec<ProductRecord> = match skus {
            [] => Vec::new(),
            [only] => self.table.get(self.table.key(only.as_str())).await?.into_iter().collect(),
            _ => self.table.get_all(skus.iter().map(|sku| self.table.key(sku.as_str())).collect()).await?,
        };
        found.iter().for_each(|product| self.cache.insert(product));
        Ok(found)
    }

    /// Lists the products of the next page after a sku, in the order of their skus. Returns the sku after which the next page begins, if there
    /// is one. A page may be short: the index may still name products that were removed a moment ago, which are left out.
    pub(crate) async fn list(
        &self,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<(Vec<ProductRecord>, Option<Sku>), StoreError> {
        let listing =
            Listing { index: &LISTED, partitions: vec![LISTED_PARTITION.to_owned()], descending: false };
        let (keys, next) = self.table.page(&listing, after.map(Sku::as_str), limit).await?;
        let skus: Vec<Sku> = keys.iter().filter_map(|sku| Sku::parse(sku).ok()).collect();
        let mut products = self.read(&skus).await?;
        products.retain(ProductRecord::is_for_sale);
        products.sort_by(|a, b| a.sku.cmp(&b.sku));
        Ok((products, next.and_then(|sku| sku.parse().ok())))
    }

    /// Returns the cache, for a writer to update.
    pub(crate) fn cache(&self) -> &ProductCache {
        &self.cache
    }
}

impl From<ProductRecord> for PricedProduct {
    fn from(record: ProductRecord) -> Self {
        Self { sku: record.sku, name: record.name, price: record.price, stock: record.stock }
    }
}
