//! Creating, changing and removing products.

use orderflow_bugs::is_planted;
use orderflow_domain::{EventType, Money, Sku, Timestamp};
use orderflow_http::{EntityTag, IfMatch, Problem};
use orderflow_store::{Item, Outbox, Store, StoreError, Table, Write, WriteError, optimistic_attempts};

use crate::reader::Catalog;
use crate::table::{CATALOG, LISTED_PARTITION, ProductRecord};

/// The largest first stock of a product.
pub const MAX_STOCK: i64 = 1_000_000_000;

/// The most attempts at a change that other writers overtake.
const ATTEMPTS_MAX: u32 = 8;

/// A new product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// The product's sku.
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// The first stock, at least 0. A product that was removed and is created again keeps its former first stock.
    pub stock: i64,
}

/// A change of a product; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductPatch {
    pub name: Option<String>,
    pub price: Option<Money>,
}

/// Why a product was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A product with this sku is already for sale.
    #[error("a product with this sku already exists")]
    Exists,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a product was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// No product has this sku.
    #[error("the product is unknown")]
    Unknown,
    /// The product does not have the version that the client has.
    #[error("the product has another version")]
    Refused(Box<Problem>),
    /// Other writers keep changing the product.
    #[error("other writers keep changing the product")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates, changes and removes products.
#[derive(Debug, Clone)]
pub struct CatalogWriter {
    store: Store,
    table: Table,
    catalog: Catalog,
}

impl CatalogWriter {
    /// Returns a writer to this store, which updates the cache of `catalog` with every write.
    pub fn new(store: &Store, catalog: Catalog) -> Self {
        Self { store: store.clone(), table: store.table(&CATALOG), catalog }
    }

    /// Creates a product, also one that was removed.
    ///
    /// # Errors
    /// [`CreateError::Exists`] when a product with this sku is already for sale.
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
        let write = Write::put(&self.table, &record)?.if_absent();
        match self.write(&record, write, EventType::ProductCreated).await {
            Ok(()) => Ok(record),
            Err(WriteError::ConditionFailed(existing)) => self.create_again(record, existing).await,
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    /// Creates a product, unless there is or was one with this sku: a product that an operator has removed stays removed.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn create_if_absent(&self, product: NewProduct) -> Result<(), StoreError> {
        if self.stored(&product.sku).await?.is_some() {
            return Ok(());
        }
        match self.create(product, None).await {
            Ok(_) | Err(CreateError::Exists) => Ok(()),
            Err(CreateError::Store(error)) => Err(error),
        }
    }

    /// Returns whether no product is for sale.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.catalog.list(None, 1).await?.0.is_empty())
    }

    /// Changes the name or the price of a product that has a version of `if_match`. A patch that changes nothing writes nothing.
    pub(crate) async fn update(
        &self,
        sku: &Sku,
        patch: &ProductPatch,
        if_match: &IfMatch,
        traceparent: &str,
    ) -> Result<ProductRecord, ChangeError> {
        let patched = |product: &ProductRecord| ProductRecord {
            name: patch.name.as_ref().unwrap_or(&product.name).clone(),
            price: patch.price.as_ref().unwrap_or(&product.price).clone(),
            ..product.clone()
        };
        let next = |product: &ProductRecord| product.is_for_sale().then(|| patched(product));
        self.change(sku, EventType::ProductUpdated, if_match, traceparent, next).await
    }

    /// Removes a product that has a version of `if_match`. Removing it again changes nothing; no version matches a removed product.
    pub(crate) async fn remove(
        &self,
        sku: &Sku,
        if_match: &IfMatch,
        traceparent: &str,
    ) -> Result<(), ChangeError> {
        let next = |product: &ProductRecord| Some(ProductRecord { listed: None, ..product.clone() });
        self.change(sku, EventType::ProductRemoved, if_match, traceparent, next).await.map(drop)
    }

    /// Replaces a product by what `next` returns for it. `next` returns `None` when the product cannot be changed.
    async fn change(
        &self,
        sku: &Sku,
        event_type: EventType,
        if_match: &IfMatch,
        traceparent: &str,
        next: impl Fn(&ProductRecord) -> Option<ProductRecord>,
    ) -> Result<ProductRecord, ChangeError> {
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while attempts.next().await {
            let before = self.stored(sku).await?.ok_or(ChangeError::Unknown)?;
            let after = next(&before).ok_or(ChangeError::Unknown)?;
            let current = before.is_for_sale().then(|| EntityTag::of(before.version));
            if_match.check(current.as_ref()).map_err(|problem| ChangeError::Refused(Box::new(problem)))?;
            if after == before {
                return Ok(before);
            }
            match self.replace(&before, after, event_type, Some(traceparent.to_owned())).await {
                Ok(written) => {
                    log(&written, event_type);
                    return Ok(written);
                }
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => return Err(error.into()),
            }
        }
        Err(ChangeError::Contended)
    }

    /// Creates a removed product again, under a new name and price. It keeps its time of creation and its first stock.
    async fn create_again(
        &self,
        product: ProductRecord,
        existing: Option<Box<Item>>,
    ) -> Result<ProductRecord, CreateError> {
        let existing: Option<ProductRecord> = match existing {
            Some(item) => Some(self.table.parse(*item)?),
            None => self.stored(&product.sku).await?,
        };
        let removed = existing.filter(|existing| !existing.is_for_sale()).ok_or(CreateError::Exists)?;
        let (stock, created_at) = (removed.stock, removed.created_at);
        let traceparent = product.traceparent.clone();
        let after = ProductRecord { stock, created_at, ..product };
        match self.replace(&removed, after, EventType::ProductCreated, traceparent).await {
            Ok(written) => Ok(written),
            Err(WriteError::ConditionFailed(_)) => Err(CreateError::Exists),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    /// Replaces `before` by `after`, as its next version.
    async fn replace(
        &self,
        before: &ProductRecord,
        after: ProductRecord,
        event_type: EventType,
        traceparent: Option<String>,
    ) -> Result<ProductRecord, WriteError> {
        let (version, updated_at) = (before.version + 1, Timestamp::now());
        let after = ProductRecord { version, updated_at, traceparent, ..after };
        let write = Write::put(&self.table, &after)?.if_version(before.version);
        self.write(&after, write, event_type).await?;
        Ok(after)
    }

    async fn write(
        &self,
        record: &ProductRecord,
        write: Write,
        event_type: EventType,
    ) -> Result<(), WriteError> {
        let unanswered = self.catalog.cache().writing(&record.sku);
        let result = self.store.write(write.emitting(&Outbox::of(event_type))).await;
        match &result {
            Ok(()) if is_planted("cached-product-trusted") => unanswered.answered(),
            Ok(()) => {
                self.catalog.cache().insert(record);
                unanswered.answered();
            }
            Err(WriteError::ConditionFailed(_)) => unanswered.answered(),
            Err(WriteError::Store(_)) => drop(unanswered),
        }
        result
    }

    async fn stored(&self, sku: &Sku) -> Result<Option<ProductRecord>, StoreError> {
        Ok(self.catalog.read(std::slice::from_ref(sku)).await?.pop())
    }
}

fn log(record: &ProductRecord, event_type: EventType) {
    let trace_id = record.traceparent.as_deref().and_then(orderflow_domain::trace_id);
    tracing::info!(
        service = "shop-api",
        sku = %record.sku,
        event.r#type = event_type.as_str(),
        trace.id = trace_id,
        "product changed"
    );
}
