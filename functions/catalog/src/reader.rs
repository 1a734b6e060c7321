//! The read-only face of the catalog.

use orderflow_domain::{Money, Sku};
use orderflow_store::{Listing, Store, StoreError, Table};

use crate::cache::{CAPACITY, ProductCache};
use crate::settings::CatalogSettings;
use crate::table::{CATALOG, LISTED, LISTED_PARTITION, ProductRecord};

/// Products that are read in one go to warm the cache up.
const WARM_UP_STEP: usize = 500;

/// What can be ordered, and at which price. Cannot write.
///
/// Products are remembered for [`CatalogSettings::cache_ttl`]. Clones share what they remember, and a [`crate::CatalogWriter`] over
/// one of them keeps it up to date; only what other processes change stays unseen so long. What is not remembered is read: a sku that was
/// created a moment ago is found, whoever created it.
#[derive(Debug, Clone)]
pub struct Catalog {
    table: Table,
    cache: ProductCache,
}

/// A product that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedProduct {
    /// Its sku.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: Money,
    /// Its first stock.
    pub stock: i64,
}

impl Catalog {
    /// The catalog of this store.
    pub fn new(store: &Store, settings: &CatalogSettings) -> Self {
        Self { table: store.table(&CATALOG), cache: ProductCache::new(settings.cache_ttl) }
    }

    /// Those of these skus that are sold, in no particular order. Each may be named once.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn find(&self, skus: &[Sku]) -> Result<Vec<PricedProduct>, StoreError> {
        Ok(self.sold(skus).await?.into_iter().map(PricedProduct::from).collect())
    }

    /// Reads these products into the cache. Gives how many of them are sold. Each may be named once.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn warm_up(&self, skus: &[Sku]) -> Result<usize, StoreError> {
        Ok(self.read(skus).await?.iter().filter(|product| product.is_sold()).count())
    }

    /// Reads all products into the cache, as many as it takes. Gives how many those were.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn warm_up_all(&self) -> Result<usize, StoreError> {
        let (mut warmed, mut after) = (0, None);
        while warmed < CAPACITY {
            let (products, next) = self.list(after.as_deref(), WARM_UP_STEP).await?;
            warmed += products.len();
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(warmed)
    }

    pub(crate) async fn sold(&self, skus: &[Sku]) -> Result<Vec<ProductRecord>, StoreError> {
        let mut sold = Vec::with_capacity(skus.len());
        let mut missed = Vec::new();
        for sku in skus {
            match self.cache.sold(sku) {
                Some(product) => sold.push(product),
                None => missed.push(sku.clone()),
            }
        }
        sold.extend(self.read(&missed).await?.into_iter().filter(ProductRecord::is_sold));
        Ok(sold)
    }

    /// These products as they are now, those that were removed included.
    pub(crate) async fn read(&self, skus: &[Sku]) -> Result<Vec<ProductRecord>, StoreError> {
        let found: Vec<ProductRecord> = match skus {
            [] => Vec::new(),
            [only] => self.table.get(self.table.key(only.as_str())).await?.into_iter().collect(),
            _ => self.table.get_all(skus.iter().map(|sku| self.table.key(sku.as_str())).collect()).await?,
        };
        found.iter().for_each(|product| self.remember(product));
        Ok(found)
    }

    /// The products among the next `limit` keys behind `after`, in the order of their skus, and the sku to go on behind, if there may be
    /// more. The index may still name what was removed a moment ago; that is left out.
    pub(crate) async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<ProductRecord>, Option<String>), StoreError> {
        let listing =
            Listing { index: &LISTED, partitions: vec![LISTED_PARTITION.to_owned()], descending: false };
        let (keys, next) = self.table.page(&listing, after, limit).await?;
        let skus: Vec<Sku> = keys.iter().filter_map(|sku| Sku::parse(sku).ok()).collect();
        let mut products = self.read(&skus).await?;
        products.retain(ProductRecord::is_sold);
        products.sort_by(|a, b| a.sku.cmp(&b.sku));
        Ok((products, next))
    }

    /// Remembers a product as it was read or written.
    pub(crate) fn remember(&self, product: &ProductRecord) {
        self.cache.remember(product);
    }

    /// Has the product read anew.
    pub(crate) fn forget(&self, sku: &Sku) {
        self.cache.forget(sku);
    }
}

impl From<ProductRecord> for PricedProduct {
    fn from(record: ProductRecord) -> Self {
        Self { sku: record.sku, name: record.name, price: record.price, stock: record.stock }
    }
}
