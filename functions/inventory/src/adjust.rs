//! Correcting a stock level.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use orderflow_bugs::is_planted;
use orderflow_domain::{EventType, Sku, Timestamp};
use orderflow_http::{IfMatch, Problem};
use orderflow_store::{
    Cancellation, Item, Outbox, Store, StoreError, Table, TransactError, Value, Write, WriteError,
    optimistic_attempts,
};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::levels::{Level, Levels};
use crate::table::{INVENTORY, StockRecord, stock_key};

/// A correction of the units that can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Correction {
    /// Adds this many units; a negative number removes units.
    Adjust(i64),
    /// Sets the number of units.
    Set(i64),
}

impl Correction {
    /// The most units that one correction adds, removes or sets.
    pub(crate) const MAX_UNITS: i64 = 1_000_000_000;

    /// Returns the numbers of units that a correction of this kind can have.
    pub(crate) const fn allowed(self) -> RangeInclusive<i64> {
        match self {
            Self::Adjust(_) => -Self::MAX_UNITS..=Self::MAX_UNITS,
            Self::Set(_) => 0..=Self::MAX_UNITS,
        }
    }
}

impl PartialSchema for Correction {
    fn schema() -> RefOr<Schema> {
        let adjust = "Adds this many units; a negative number removes units.";
        OneOfBuilder::new()
            .item(correction_schema("adjust", adjust, &Self::Adjust(0).allowed()))
            .item(correction_schema("set", "Sets the number of units.", &Self::Set(0).allowed()))
            .description(Some("A correction of the units that can be ordered."))
            .into()
    }
}

impl ToSchema for Correction {}

fn correction_schema(field: &str, description: &str, allowed: &RangeInclusive<i64>) -> ObjectBuilder {
    let units = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description))
        .minimum(Some(*allowed.start()))
        .maximum(Some(*allowed.end()));
    ObjectBuilder::new()
        .property(field, units)
        .required(field)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .description(Some(description))
}

/// Looks up the first stock of products whose `product.created` has not arrived yet.
#[async_trait]
pub trait FirstStock: Send + Sync + 'static {
    /// Returns the first stock of a product that is for sale, or `None` for an unknown product.
    async fn first_stock(&self, sku: &Sku) -> Result<Option<i64>, StoreError>;
}

/// Why a correction was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdjustError {
    /// No product has this sku.
    #[error("the sku is unknown")]
    Unknown,
    /// The level does not have the version that the client has.
    #[error("the level has another version")]
    Refused(Box<Problem>),
    /// The correction would make the level negative.
    #[error("the correction would make the level negative")]
    Insufficient,
    /// The idempotency key was used for another correction of this sku.
    #[error("the idempotency key was used for another correction")]
    KeyReused,
    /// Other writers keep changing the same level.
    #[error("other writers keep changing the stock level")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The record of a correction that was made under an idempotency key. It never expires, so that a repeated request is never applied twice.
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

/// The most attempts at a correction that other writers overtake.
const ATTEMPTS_MAX: u32 = 20;

/// The result of one attempt to correct a level.
enum Attempt {
    Done,
    /// The key belongs to this correction, made by an earlier request.
    MadeBefore(Correction),
    /// Another writer changed the level or the key between the read and the write.
    Contended,
}

impl Corrections {
    pub(crate) fn new(store: &Store, first_stock: Arc<dyn FirstStock>) -> Self {
        Self { store: store.clone(), table: store.table(&INVENTORY), levels: Levels::new(store), first_stock }
    }

    /// Returns the level of a sku. A product whose `product.created` has not arrived yet has its first stock.
    pub(crate) async fn level(&self, sku: &Sku) -> Result<Option<Level>, StoreError> {
        if let Some(record) = self.levels.get(sku).await? {
            return Ok(Some(record.into()));
        }
        let first_stock = self.first_stock.first_stock(sku).await?;
        Ok(first_stock.map(|available| Level { sku: sku.clone(), available, reserved: 0, corrections: 0 }))
    }

    /// Corrects a level that has a version of `if_match`, once for each key. Returns the level as it is afterwards.
    pub(crate) async fn correct(
        &self,
        sku: &Sku,
        correction: Correction,
        key: Option<&str>,
        if_match: &IfMatch,
        traceparent: &str,
    ) -> Result<Level, AdjustError> {
        let key = key.map(|key| format!("key#{sku}#{key}"));
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while attempts.next().await {
            let stock = self.existing(sku).await?;
            match self.try_once(&stock, correction, key.as_deref(), if_match, traceparent).await? {
                Attempt::Done => {
                    tracing::info!(service = "shop-api", %sku, event.r#type = "stock.adjusted", "stock level corrected");
                    return self.level(sku).await?.ok_or(AdjustError::Unknown);
                }
                Attempt::MadeBefore(before) if before == correction => {
                    return self.level(sku).await?.ok_or(AdjustError::Unknown);
                }
                Attempt::MadeBefore(_) => return Err(AdjustError::KeyReused),
                Attempt::Contended => {}
            }
        }
        Err(AdjustError::Contended)
    }

    /// Returns the stock record of a sku. Books the first stock when the catalog has the product and its `product.created` has not arrived yet.
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
        if_match: &IfMatch,
        traceparent: &str,
    ) -> Result<Attempt, AdjustError> {
        // The key is looked up first: a repeated request that removed the last units is a repeat, not a shortage.
        if let Some(before) = self.made_before(key).await? {
            return Ok(Attempt::MadeBefore(before));
        }
        let current = Level::from(stock.clone()).entity_tag();
        if_match.check(Some(&current)).map_err(|problem| AdjustError::Refused(Box::new(problem)))?;
        let change = match correction {
            Correction::Adjust(units) => units,
            Correction::Set(units) => units - stock.available,
        };
        if stock.available + change < 0 {
            return Err(AdjustError::Insufficient);
        }
        let level = self.level_write(stock, correction, change, traceparent);
        let mut writes = vec![if if_match.is_given() { unchanged(level, stock) } else { level }];
        if let Some(pk) = key.filter(|_| !is_planted("correction-key-not-stored")) {
            let record = KeyRecord { pk: pk.to_owned(), correction, created_at: Timestamp::now() };
            writes.push(Write::put(&self.table, &record)?.if_absent());
        }
        match self.store.transact(writes).await {
            Ok(()) => Ok(Attempt::Done),
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
        let write = Write::update(&self.table, stock_key(&self.table, &stock.sku))
            .increment_existing("available", change)
            .increment_existing("corrections", 1)
            .set("change", number(change))
            .set("updated_at", Value::S(Timestamp::now().to_string()))
            .set("traceparent", Value::S(traceparent.to_owned()))
            .emitting(&Outbox::of(EventType::StockAdjusted));
        match correction {
            Correction::Adjust(_) if is_planted("corrected-without-condition") => write,
            Correction::Adjust(units) => write.if_at_least("available", -units),
            Correction::Set(_) if is_planted("stock-set-from-stale-level") => write,
            // The change was computed from the level that was read.
            Correction::Set(_) => write.if_equals("available", number(stock.available)),
        }
    }

    fn cancelled(&self, reasons: Vec<Cancellation>) -> Result<Attempt, AdjustError> {
        let mut reasons = reasons.into_iter();
        let (level, key) = (reasons.next(), reasons.next());
        if let Some(Cancellation::ConditionFailed(Some(item))) = key {
            let record: KeyRecord = self.table.parse::<KeyRecord>(Item::clone(&item))?;
            return Ok(Attempt::MadeBefore(record.correction));
        }
        match level {
            Some(Cancellation::Other { code, message }) => Err(StoreError::Shape {
                table: self.table.name().to_owned(),
                message: format!("{code}: {message}"),
            }
            .into()),
            _ => Ok(Attempt::Contended),
        }
    }
}

/// Adds the condition that the level still has the entity tag with which it was read.
fn unchanged(write: Write, stock: &StockRecord) -> Write {
    write
        .if_equals("corrections", number(stock.corrections.into()))
        .if_equals("available", number(stock.available))
        .if_equals("reserved", number(stock.reserved))
}

fn number(number: i64) -> Value {
    Value::N(number.to_string())
}
