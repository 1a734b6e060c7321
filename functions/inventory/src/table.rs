//! The table `inventory`: stock levels, reservations, the idempotency keys of corrections, and the events that the relay builds from them.

use orderflow_domain::{
    Event, EventData, EventType, InventoryRejected, InventoryReleased, InventoryReserved, Money, OrderId,
    PaymentToken, Quantities, RejectionReason, Shortage, Sku, StockAdjusted, Timestamp,
};
use orderflow_store::{Emission, EventSource, ImageError, IndexDefinition, Item, Table, TableDefinition};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Stock levels under `stock#<sku>`, reservations under `order#<id>`, idempotency keys under `key#<sku>#<key>`.
pub static INVENTORY: TableDefinition =
    TableDefinition { name: "inventory", hash: "pk", range: None, indexes: &[LISTED], streams: true };

/// The stock levels, in the order of their skus.
pub(crate) const LISTED: IndexDefinition = IndexDefinition { name: "listed", hash: "listed", range: "sku" };

/// The only partition of [`LISTED`]. One is enough: an item enters the index only when a product is created.
pub(crate) const LISTED_PARTITION: &str = "stock";

/// The level of a sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StockRecord {
    pub pk: String,
    pub sku: Sku,
    pub available: i64,
    pub reserved: i64,
    /// The number of corrections. It makes each `stock.adjusted` an event of its own.
    pub corrections: u32,
    /// The difference that the last correction made to `available`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<i64>,
    pub listed: String,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl StockRecord {
    /// Makes the level of a new product.
    pub(crate) fn new(sku: Sku, first_stock: i64, now: Timestamp) -> Self {
        Self {
            pk: stock_pk(&sku),
            sku,
            available: first_stock,
            reserved: 0,
            corrections: 0,
            change: None,
            listed: LISTED_PARTITION.to_owned(),
            updated_at: now,
            traceparent: None,
        }
    }
}

/// The status of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReservationStatus {
    /// The units are reserved.
    Reserved,
    /// No units are reserved: there were too few, or the sku is unknown. Final.
    Rejected,
    /// No units are reserved any more, or ever were: the order was refused. Final.
    Released,
}

/// The reservation of an order. There is at most one, however often events of the order are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReservationRecord {
    pub pk: String,
    pub order_id: OrderId,
    pub status: ReservationStatus,
    /// The units that are or were reserved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Quantities>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_token: Option<PaymentToken>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionReason>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortages: Vec<Shortage>,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl ReservationRecord {
    /// Returns whether the reservation was rejected for too few units.
    pub(crate) fn is_short(&self) -> bool {
        self.reason == Some(RejectionReason::OutOfStock)
    }
}

pub(crate) fn stock_pk(sku: &Sku) -> String {
    format!("stock#{sku}")
}

pub(crate) fn reservation_pk(order_id: OrderId) -> String {
    format!("order#{order_id}")
}

pub(crate) fn stock_key(table: &Table, sku: &Sku) -> Item {
    table.key(stock_pk(sku))
}

/// Builds the events of this table for the relay.
pub const EVENT_SOURCE: EventSource = EventSource { table: &INVENTORY, build };

fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    match emission.event_type {
        EventType::StockAdjusted => read(image).map(stock_adjusted),
        EventType::InventoryReserved | EventType::InventoryRejected | EventType::InventoryReleased => {
            reservation_event(read(image)?, emission)
        }
        other => Err(ImageError::ForeignEvent(other)),
    }
}

fn read<T: DeserializeOwned>(image: serde_dynamo::Item) -> Result<T, ImageError> {
    serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))
}

fn stock_adjusted(record: StockRecord) -> Event {
    let data = StockAdjusted {
        sku: record.sku,
        available: record.available,
        reserved: record.reserved,
        change: record.change.unwrap_or_default(),
    };
    let cause = format!("correction {}", record.corrections);
    Event::new(EventData::StockAdjusted(data), &cause, record.updated_at, record.traceparent)
}

fn reservation_event(record: ReservationRecord, emission: &Emission) -> Result<Event, ImageError> {
    let order_id = record.order_id;
    let data = match emission.event_type {
        EventType::InventoryReserved => EventData::InventoryReserved(InventoryReserved {
            order_id,
            total: record.total.ok_or_else(|| ImageError::Shape("a reservation has no total".to_owned()))?,
            payment_token: record.payment_token,
        }),
        EventType::InventoryRejected => EventData::InventoryRejected(InventoryRejected {
            order_id,
            reason: record.reason.unwrap_or(RejectionReason::OutOfStock),
            shortages: record.shortages,
        }),
        _ => EventData::InventoryReleased(InventoryReleased { order_id, items: record.lines }),
    };
    Ok(match emission.resend {
        None => Event::new(data, "", record.updated_at, record.traceparent),
        Some(resend) => Event::resent(data, resend, record.updated_at, record.traceparent),
    })
}
