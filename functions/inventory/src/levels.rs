//! Stock levels, read and listed.

use orderflow_domain::Sku;
use orderflow_store::{Listing, Store, StoreError, Table};
use serde::Serialize;
use utoipa::ToSchema;

use crate::table::{INVENTORY, LISTED, LISTED_PARTITION, StockRecord, stock_key, stock_pk};

/// How many units of a sku there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockLevel)]
pub struct Level {
    /// What.
    pub sku: Sku,
    /// Units that can be ordered.
    pub available: i64,
    /// Units held for orders.
    pub reserved: i64,
}

/// All levels together.
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

const WALK: usize = 1_000;

impl Levels {
    pub(crate) fn new(store: &Store) -> Self {
        Self { table: store.table(&INVENTORY) }
    }

    pub(crate) async fn get(&self, sku: &Sku) -> Result<Option<StockRecord>, StoreError> {
        self.table.get(stock_key(&self.table, sku)).await
    }

    /// The levels of the next skus behind `after`, and the sku to go on behind, if there may be more.
    pub(crate) async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Level>, Option<String>), StoreError> {
        let listing =
            Listing { index: &LISTED, partitions: vec![LISTED_PARTITION.to_owned()], descending: false };
        let (skus, next) = self.table.page(&listing, after, limit).await?;
        let keys =
            skus.iter().filter_map(|sku| Sku::parse(sku).ok()).map(|sku| self.table.key(stock_pk(&sku)));
        let records: Vec<StockRecord> = self.table.get_all(keys.collect()).await?;
        let mut levels: Vec<Level> = records.into_iter().map(Level::from).collect();
        levels.sort_by(|a, b| a.sku.cmp(&b.sku));
        Ok((levels, next))
    }

    /// Walks over all levels.
    pub(crate) async fn totals(&self) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        let mut after: Option<String> = None;
        loop {
            let (levels, next) = self.list(after.as_deref(), WALK).await?;
            for level in levels {
                totals.skus += 1;
                totals.available += level.available;
                totals.reserved += level.reserved;
            }
            after = next;
            if after.is_none() {
                return Ok(totals);
            }
        }
    }
}

impl From<StockRecord> for Level {
    fn from(record: StockRecord) -> Self {
        Self { sku: record.sku, available: record.available, reserved: record.reserved }
    }
}
