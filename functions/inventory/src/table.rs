//! The table `inventory`: stock levels, reservations, and the keys of corrections that were made.

use orderflow_domain::{Money, OrderId, PaymentToken, Quantities, RejectionReason, Shortage, Sku, Timestamp};
use orderflow_store::{IndexDefinition, Item, Table, TableDefinition};
use serde::{Deserialize, Serialize};

/// Stock levels under `stock#<sku>`, reservations under `order#<id>`, idempotency keys under `key#<sku>#<key>`.
pub static INVENTORY: TableDefinition =
    TableDefinition { name: "inventory", hash: "pk", range: None, indexes: &[LISTED], streams: true };

/// The stock levels, in the order of their skus.
pub(crate) const LISTED: IndexDefinition = IndexDefinition { name: "listed", hash: "listed", range: "sku" };

/// The one partition of [`LISTED`]: its keys change only when a sku is new.
pub(crate) const LISTED_PARTITION: &str = "stock";

/// The level of a sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StockRecord {
    pub pk: String,
    pub sku: Sku,
    pub available: i64,
    pub reserved: i64,
    /// How often it was corrected by hand.
    pub corrections: u32,
    /// What the last correction did to `available`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<i64>,
    pub listed: String,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl StockRecord {
    /// A sku whose first stock is booked.
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

/// Where the reservation of an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReservationStatus {
    /// Its units are held.
    Reserved,
    /// Nothing is held: there was not enough, or the sku is unknown. Final.
    Rejected,
    /// Nothing is held any more, or ever was: the order was refused. Final.
    Released,
}

/// The reservation of an order: exists once, whatever is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReservationRecord {
    pub pk: String,
    pub order_id: OrderId,
    pub status: ReservationStatus,
    /// What is or was held.
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
    /// Whether it says that there were not enough units.
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
