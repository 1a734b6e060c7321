//! The table `analytics`.

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{Item, Table, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::tally::{Collection, Counts};

/// Counters, each under its name in `<collection>#<generation>#<shard>`; what is counted of an order, under
/// `order#<generation>#<id>`; and which generation of both is valid, under `generations`.
pub static ANALYTICS: TableDefinition =
    TableDefinition { name: "analytics", hash: "pk", range: Some("sk"), indexes: &[], streams: false };

/// Over how many items each counter is spread. Each transaction updates one of them, so this is how many can be under way
/// without meeting.
pub(crate) const SHARDS: u8 = 16;

const ORDER: &str = "order";

/// A counter as it is stored: its share in one shard.
#[derive(Debug, Deserialize)]
pub(crate) struct CounterRecord {
    #[serde(rename = "sk")]
    pub name: String,
    pub updated_at: Timestamp,
    #[serde(flatten)]
    pub counts: Counts,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Confirmed,
    Rejected,
    Cancelled,
}

/// What is counted of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderRecord {
    pub order_id: OrderId,
    /// Whether it is in the series.
    pub placed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    pub version: u32,
}

/// An order's record under its key.
#[derive(Serialize)]
pub(crate) struct OrderItem<'a> {
    pk: String,
    sk: &'static str,
    #[serde(flatten)]
    record: &'a OrderRecord,
}

impl<'a> OrderItem<'a> {
    pub(crate) fn new(generation: u32, record: &'a OrderRecord) -> Self {
        Self { pk: order_pk(generation, record.order_id), sk: ORDER, record }
    }
}

pub(crate) fn order_key(table: &Table, generation: u32, order_id: OrderId) -> Item {
    table.key_with_range(order_pk(generation, order_id), ORDER)
}

fn order_pk(generation: u32, order_id: OrderId) -> String {
    format!("order#{generation}#{order_id}")
}

/// The key that counters stand under, each with its name.
pub(crate) fn counters_pk(collection: Collection, generation: u32, shard: u8) -> String {
    format!("{}#{generation}#{shard}", collection.as_str())
}

/// The generation that an item belongs to, if it belongs to one.
pub(crate) fn generation_of(pk: &str) -> Option<u32> {
    pk.split('#').nth(1)?.parse().ok()
}
