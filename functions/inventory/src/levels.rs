//! Reading and listing stock levels.

use orderflow_domain::Sku;
use orderflow_http::EntityTag;
use orderflow_store::{Listing, Store, StoreError, Table};
use serde::Serialize;
use utoipa::ToSchema;

use crate::table::{INVENTORY, LISTED, LISTED_PARTITION, StockRecord, stock_key, stock_pk};

/// The stock level of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockLevel)]
pub struct Level {
    /// The product.
    pub sku: Sku,
    /// Units that can be ordered.
    pub available: i64,
    /// Units reserved for orders.
    pub reserved: i64,
    /// The number of corrections that were made.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) corrections: u32,
}

impl Level {
    /// Returns the entity tag. It changes with every correction and with every unit that is reserved or released.
    pub(crate) fn entity_tag(&self) -> EntityTag {
        EntityTag::of(format_args!("{}-{}-{}", self.corrections, self.available, self.reserved))
    }
}

/// The sums of all stock levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockTotals)]
pub(crate) struct Totals {
    pub skus: u64,
    pub available: i64,
    pub reserved: i64,
}

/// Reads levels.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    table: Table,
}

/// The number of levels that are read at a time to sum them up.
const TOTALS_PAGE: usize = 1_000;

/// The most levels that are summed up for one response. A shop with more has no totals.
const SUMMED_MAX: u64 = 5_000;

impl Levels {
    pub(crate) fn new(store: &Store) -> Self {
        Self { table: store.table(&INVENTORY) }
    }

    pub(crate) async fn get(&self, sku: &Sku) -> Result<Option<StockRecord>, StoreError> {
        self.table.get(stock_key(&self.table, sku)).await
    }

    /// Lists the next levels after a sku, in the order of their skus. Returns the sku after which the next page begins, if there is one.
    pub(crate) async fn list(
        &self,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<(Vec<Level>, Option<Sku>), StoreError> {
        let listing =
            Listing { index: &LISTED, partitions: vec![LISTED_PARTITION.to_owned()], descending: false };
        let (skus, next) = self.table.page(&listing, after.map(Sku::as_str), limit).await?;
        let keys =
            skus.iter().filter_map(|sku| Sku::parse(sku).ok()).map(|sku| self.table.key(stock_pk(&sku)));
        let records: Vec<StockRecord> = self.table.get_all(keys.collect()).await?;
        let mut levels: Vec<Level> = records.into_iter().map(Level::from).collect();
        levels.sort_by(|a, b| a.sku.cmp(&b.sku));
        Ok((levels, next.and_then(|sku| sku.parse().ok())))
    }

    /// Sums up all levels. Returns `None` if there are more than [`SUMMED_MAX`].
    pub(crate) async fn totals(&self) -> Result<Option<Totals>, StoreError> {
        let mut totals = Totals::default();
        let mut after: Option<Sku> = None;
        loop {
            let (levels, next) = self.list(after.as_ref(), TOTALS_PAGE).await?;
            for level in levels {
                totals.skus += 1;
                totals.available += level.available;
                totals.reserved += level.reserved;
            }
            after = next;
            if after.is_none() {
                return Ok(Some(totals));
            }
            if totals.skus >= SUMMED_MAX {
                return Ok(None);
            }
        }
    }
}

impl From<StockRecord> for Level {
    fn from(record: StockRecord) -> Self {
        let StockRecord { sku, available, reserved, corrections, .. } = record;
        Self { sku, available, reserved, corrections }
    }
}
