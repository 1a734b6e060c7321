//! Correcting a level by hand.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_domain::{EventType, Sku, Timestamp};
use orderflow_store::{
    Cancellation, Item, Outbox, Store, StoreError, Table, TransactError, Write, WriteError,
    optimistic_attempts,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::levels::{Level, Levels};
use crate::table::{INVENTORY, StockRecord, stock_key};

/// What a correction does to the units that can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Correction {
    /// Adds to them; takes away where negative.
    Adjust(i64),
    /// Makes them this many.
    Set(i64),
}

/// Knows the first stock of products whose `product.created` has not arrived yet.
#[async_trait]
pub trait FirstStock: Send + Sync + 'static {
    /// The first stock of a product that is sold; none where there is no such product.
    async fn first_stock(&self, sku: &Sku) -> Result<Option<i64>, StoreError>;
}

/// A correction was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdjustError {
    /// There is no such sku.
    #[error("the sku is unknown")]
    Unknown,
    /// It would leave fewer than no units.
    #[error("there are not enough units")]
    Insufficient,
    /// The key was used for another correction.
    #[error("the idempotency key was used for another correction")]
    KeyReused,
    /// Others keep changing the same level.
    #[error("others keep changing the level")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A correction that was made under a key: kept for good, so that the same request never counts twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeyRecord {
    pk: String,
    correction: Correction,
    created_at: Timestamp,
}

#[derive(Clone)]
pub(crate) struct Corrections {
    store: Store,
    table: Table,
    levels: Levels,
    first_stock: Arc<dyn FirstStock>,
}

const ATTEMPTS: u32 = 20;

/// How one try to correct a level went.
enum Try {
    Done,
    Replayed(Correction),
    Changed,
}

impl Corrections {
    pub(crate) fn new(store: &Store, first_stock: Arc<dyn FirstStock>) -> Self {
        Self { store: store.clone(), table: store.table(&INVENTORY), levels: Levels::new(store), first_stock }
    }

    /// The level of a sku. A product whose creation has not arrived yet has its first stock.
    pub(crate) async fn level(&self, sku: &Sku) -> Result<Option<Level>, StoreError> {
        if let Some(record) = self.levels.get(sku).await? {
            return Ok(Some(record.into()));
        }
        let first_stock = self.first_stock.first_stock(sku).await?;
        Ok(first_stock.map(|available| Level { sku: sku.clone(), available, reserved: 0 }))
    }

    /// Corrects a level, once for each key, and gives the level after it.
    pub(crate) async fn correct(
        &self,
        sku: &Sku,
        correction: Correction,
        key: Option<&str>,
        traceparent: &str,
    ) -> Result<Level, AdjustError> {
        let key = key.map(|key| format!("key#{sku}#{key}"));
        let mut attempts = optimistic_attempts(ATTEMPTS);
        while attempts.next().await {
            let stock = self.existing(sku).await?;
            match self.try_once(&stock, correction, key.as_deref(), traceparent).await? {
                Try::Done => {
                    tracing::info!(service = "shop-api", %sku, event.r#type = "stock.adjusted", "the stock is corrected");
                    return self.level(sku).await?.ok_or(AdjustError::Unknown);
                }
                Try::Replayed(before) if before == correction => {
                    return self.level(sku).await?.ok_or(AdjustError::Unknown);
                }
                Try::Replayed(_) => return Err(AdjustError::KeyReused),
                Try::Changed => {}
            }
        }
        Err(AdjustError::Contended)
    }

    /// The stock of a sku; books its first stock where the catalog knows it and `product.created` is still on its way.
    async fn existing(&self, sku: &Sku) -> Result<StockRecord, AdjustError> {
        if let Some(record) = self.levels.get(sku).await? {
            return Ok(record);
        }
        let first_stock = self.first_stock.first_stock(sku).await?.ok_or(AdjustError::Unknown)?;
        let record = StockRecord::new(sku.clone(), first_stock, Timestamp::now());
        match self.store.write(Write::put(&self.table, &record)?.if_absent()).await {
            Ok(()) => Ok(record),
            Err(WriteError::ConditionFailed(Some(item))) => Ok(self.table.parse(*item)?),
            Err(WriteError::ConditionFailed(None)) => Err(AdjustError::Contended),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    async fn try_once(
        &self,
        stock: &StockRecord,
        correction: Correction,
        key: Option<&str>,
        traceparent: &str,
    ) -> Result<Try, AdjustError> {
        // A request that is repeated after it took the last units is a repeat, not a shortage: the key is looked up first.
        if let Some(before) = self.made_before(key).await? {
            return Ok(Try::Replayed(before));
        }
        let change = match correction {
            Correction::Adjust(units) => units,
            Correction::Set(units) => units - stock.available,
        };
        if stock.available + change < 0 {
            return Err(AdjustError::Insufficient);
        }
        let mut writes = vec![self.level_write(stock, correction, change, traceparent)];
        if let Some(pk) = key {
            let record = KeyRecord { pk: pk.to_owned(), correction, created_at: Timestamp::now() };
            writes.push(Write::put(&self.table, &record)?.if_absent());
        }
        match self.store.transact(writes).await {
            Ok(()) => Ok(Try::Done),
            Err(TransactError::Cancelled(reasons)) => self.cancelled(reasons),
            Err(TransactError::Store(error)) => Err(error.into()),
        }
    }

    async fn made_before(&self, key: Option<&str>) -> Result<Option<Correction>, StoreError> {
        let Some(pk) = key else { return Ok(None) };
        let record: Option<KeyRecord> = self.table.get(self.table.key(pk)).await?;
        Ok(record.map(|record| record.correction))
    }

    fn level_write(
        &self,
        stock: &StockRecord,
        correction: Correction,
        change: i64,
        traceparent: &str,
    ) -> Write {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let write = Write::update(&self.table, stock_key(&self.table, &stock.sku))
            .add("available", change)
            .add("corrections", 1)
            .set("change", number(change))
            .set("updated_at", AttributeValue::S(Timestamp::now().to_string()))
            .set("traceparent", AttributeValue::S(traceparent.to_owned()))
            .emitting(&Outbox::of(EventType::StockAdjusted));
        match correction {
            Correction::Adjust(units) => write.if_at_least("available", -units),
            // The change is a difference to what was read.
            Correction::Set(_) => write.if_equals("available", number(stock.available)),
        }
    }

    fn cancelled(&self, reasons: Vec<Cancellation>) -> Result<Try, AdjustError> {
        let mut reasons = reasons.into_iter();
        let (level, key) = (reasons.next(), reasons.next());
        if let Some(Cancellation::ConditionFailed(Some(item))) = key {
            let record: KeyRecord = self.table.parse::<KeyRecord>(Item::clone(&item))?;
            return Ok(Try::Replayed(record.correction));
        }
        match level {
            Some(Cancellation::Other { code, message }) => Err(StoreError::Shape {
                table: self.table.name().to_owned(),
                message: format!("{code}: {message}"),
            }
            .into()),
            _ => Ok(Try::Changed),
        }
    }
}
