//! Changing and listing products.

use orderflow_domain::{EventType, Money, Sku, Timestamp};
use orderflow_store::{Listing, Outbox, Store, StoreError, Table, Write, WriteError};

use crate::table::{CATALOG, LISTED, LISTED_PARTITION, ProductRecord};

/// The most units that a product may begin with, and that stock may be set to.
pub const MAX_STOCK: i64 = 1_000_000_000;

/// A product to be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Its sku.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: Money,
    /// Its first stock, at least 0.
    pub stock: i64,
}

/// A product was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// It is sold already.
    #[error("the product exists already")]
    Exists,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates and lists products.
#[derive(Debug, Clone)]
pub struct CatalogWriter {
    store: Store,
    table: Table,
}

impl CatalogWriter {
    /// The catalog of this store.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&CATALOG) }
    }

    /// Sells a product.
    ///
    /// # Errors
    /// [`CreateError::Exists`] where its sku is sold already.
    pub(crate) async fn create(
        &self,
        product: NewProduct,
        traceparent: Option<String>,
    ) -> Result<ProductRecord, CreateError> {
        let now = Timestamp::now();
        let record = ProductRecord {
            sku: product.sku,
            name: product.name,
            price: product.price,
            stock: product.stock,
            listed: Some(LISTED_PARTITION.to_owned()),
            created_at: now,
            updated_at: now,
            version: 1,
            traceparent,
        };
        let write =
            Write::put(&self.table, &record)?.if_absent().emitting(&Outbox::of(EventType::ProductCreated));
        match self.store.write(write).await {
            Ok(()) => Ok(record),
            Err(WriteError::ConditionFailed(_)) => Err(CreateError::Exists),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    /// Sells a product unless it is sold already.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn create_if_absent(&self, product: NewProduct) -> Result<(), StoreError> {
        match self.create(product, None).await {
            Ok(_) | Err(CreateError::Exists) => Ok(()),
            Err(CreateError::Store(error)) => Err(error),
        }
    }

    /// Whether nothing is sold.
    ///
    /// # Errors
    /// [`StoreError`] where the store does not answer.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.list(None, 1).await?.0.is_empty())
    }

    pub(crate) async fn get(&self, sku: &Sku) -> Result<Option<ProductRecord>, StoreError> {
        let found: Option<ProductRecord> = self.table.get(self.table.key(sku.as_str())).await?;
        Ok(found.filter(|product| product.listed.is_some()))
    }

    /// The next products behind `after` in the order of their skus, and whether there may be more.
    pub(crate) async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<ProductRecord>, bool), StoreError> {
        let listing =
            Listing { index: &LISTED, partitions: vec![LISTED_PARTITION.to_owned()], descending: false };
        let skus = self.table.list(&listing, after, limit + 1).await?;
        let more = skus.len() > limit;
        let keys = skus.iter().take(limit).map(|sku| self.table.key(sku)).collect();
        let mut products: Vec<ProductRecord> = self.table.get_all(keys).await?;
        products.sort_by(|a, b| a.sku.cmp(&b.sku));
        Ok((products, more))
    }
}
