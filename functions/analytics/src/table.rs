//! The table `analytics`.

use std::fmt;

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{Item, Table, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::counters::{Collection, Counts};

/// Counters, the record of what was counted of each order, and which generation of both is current. `PartitionKey`
/// lists the keys.
pub static ANALYTICS: TableDefinition =
    TableDefinition { name: "analytics", hash: "pk", range: Some("sk"), indexes: &[], streams: false };

/// The number of items that each counter is spread over. A transaction updates one of them, so about this many
/// transactions can run at once without a conflict.
pub(crate) const SHARDS: u8 = 16;

const ORDER: &str = "order";
const GENERATIONS: &str = "generations";

/// The partition key of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartitionKey {
    /// `<collection>#<generation>#<shard>`: counters, with their name as the sort key.
    Counters { collection: Collection, generation: u32, shard: u8 },
    /// `order#<generation>#<order id>`: what was counted of an order.
    Order { generation: u32, order_id: OrderId },
    /// `generations`: which generation is current.
    Generations,
}

impl PartitionKey {
    /// Parses a key; `None` if no version of the program writes such a key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == GENERATIONS {
            return Some(Self::Generations);
        }
        let mut parts = text.splitn(3, '#');
        let (kind, generation, last) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        if kind == ORDER {
            return Some(Self::Order { generation, order_id: OrderId::parse(last).ok()? });
        }
        let collection = Collection::ALL.into_iter().find(|collection| collection.as_str() == kind)?;
        Some(Self::Counters { collection, generation, shard: last.parse().ok()? })
    }

    /// The generation that the item belongs to; `None` for the item that names the generations.
    pub(crate) const fn generation(self) -> Option<u32> {
        match self {
            Self::Counters { generation, .. } | Self::Order { generation, .. } => Some(generation),
            Self::Generations => None,
        }
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counters { collection, generation, shard } => {
                write!(f, "{}#{generation}#{shard}", collection.as_str())
            }
            Self::Order { generation, order_id } => write!(f, "{ORDER}#{generation}#{order_id}"),
            Self::Generations => f.write_str(GENERATIONS),
        }
    }
}

/// The part of a counter that is in one shard, as it is stored.
#[derive(Debug, Deserialize)]
pub(crate) struct CounterShard {
    #[serde(rename = "sk")]
    pub name: String,
    pub updated_at: Timestamp,
    #[serde(flatten)]
    pub counts: Counts,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderEnd {
    Confirmed,
    Rejected,
    Cancelled,
}

/// What was counted of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CountedOrder {
    pub order_id: OrderId,
    /// Whether the series contain the order's placement.
    pub placed: bool,
    /// The ending that was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<OrderEnd>,
    pub version: u32,
}

impl CountedOrder {
    /// Returns the key of an order's record in a generation.
    pub(crate) fn key(table: &Table, generation: u32, order_id: OrderId) -> Item {
        table.key_with_range(PartitionKey::Order { generation, order_id }.to_string(), ORDER)
    }

    /// Returns the record as an item of a generation.
    pub(crate) fn item(&self, generation: u32) -> StoredItem<'_, Self> {
        let pk = PartitionKey::Order { generation, order_id: self.order_id };
        StoredItem { pk: pk.to_string(), sk: ORDER, record: self }
    }
}

/// Which generation of counters is current, and which one a rebuild fills.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GenerationsRecord {
    /// The generation that readers see.
    pub current: u32,
    /// The generation that a rebuild fills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    pub version: u32,
}

impl GenerationsRecord {
    /// Returns the key of the only record.
    pub(crate) fn key(table: &Table) -> Item {
        table.key_with_range(PartitionKey::Generations.to_string(), GENERATIONS)
    }

    /// Returns the record as an item.
    pub(crate) fn item(&self) -> StoredItem<'_, Self> {
        StoredItem { pk: PartitionKey::Generations.to_string(), sk: GENERATIONS, record: self }
    }
}

/// A record with its key.
#[derive(Serialize)]
pub(crate) struct StoredItem<'a, R> {
    pk: String,
    sk: &'static str,
    #[serde(flatten)]
    record: &'a R,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Bucket;

    #[test]
    fn partition_keys_parse_back_and_name_their_generation() {
        let order_id = OrderId::generate();
        for (key, text, generation) in [
            (PartitionKey::Order { generation: 2, order_id }, format!("order#2#{order_id}"), Some(2)),
            (
                PartitionKey::Counters { collection: Collection::Summary, generation: 0, shard: 15 },
                "summary#0#15".to_owned(),
                Some(0),
            ),
            (
                PartitionKey::Counters {
                    collection: Collection::Series(Bucket::Day),
                    generation: 3,
                    shard: 1,
                },
                "day#3#1".to_owned(),
                Some(3),
            ),
            (PartitionKey::Generations, "generations".to_owned(), None),
        ] {
            assert_eq!(key.to_string(), text);
            assert_eq!(PartitionKey::parse(&text), Some(key));
            assert_eq!(key.generation(), generation);
        }
        for unknown in ["", "order", "order#1", "order#x#y", "week#1#1", "day#1#256", "day#1#1#1"] {
            assert_eq!(PartitionKey::parse(unknown), None, "{unknown}");
        }
    }
}
