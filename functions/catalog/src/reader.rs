//! The read-only face of the catalog.

use orderflow_domain::{Money, Sku};
use orderflow_store::{Store, StoreError, Table};

use crate::table::{CATALOG, ProductRecord};

/// What can be ordered, and at which price. Cannot write.
#[derive(Debug, Clone)]
pub struct Catalog {
    table: Table,
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
    pub fn new(store: &Store) -> Self {
        Self { table: store.table(&CATALOG) }
    }

    /// Those of these skus that are sold, in no particular order. A sku that was created a moment ago is there: the read is consistent.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn find(&self, skus: &[Sku]) -> Result<Vec<PricedProduct>, StoreError> {
        let found: Vec<ProductRecord> = match skus {
            [only] => self.table.get(self.table.key(only.as_str())).await?.into_iter().collect(),
            _ => self.table.get_all(skus.iter().map(|sku| self.table.key(sku.as_str())).collect()).await?,
        };
        let sold = found.into_iter().filter(|product| product.listed.is_some());
        Ok(sold.map(PricedProduct::from).collect())
    }
}

impl From<ProductRecord> for PricedProduct {
    fn from(record: ProductRecord) -> Self {
        Self { sku: record.sku, name: record.name, price: record.price, stock: record.stock }
    }
}
