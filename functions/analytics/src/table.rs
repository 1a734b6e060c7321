//! The table `analytics`.

use std::collections::BTreeMap;
use std::fmt;

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::{Item, Table, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::counters::{Collection, Counts};

/// Counters, logs of what was counted of each order, and which generation of both is current. `PartitionKey` lists the keys.
pub static ANALYTICS: TableDefinition =
    TableDefinition { name: "analytics", hash: "pk", range: Some("sk"), indexes: &[], streams: false };

/// The number of items that each counter is spread over, and of buffers in front of them. A process uses one of them until it meets another
/// process there.
pub(crate) const SHARDS: u8 = 16;

const LOG: &str = "log";
const BUFFER: &str = "buffer";
/// The records of earlier versions, one for each order. A rebuild deletes them.
const ORDER: &str = "order";
const GENERATIONS: &str = "generations";

/// The partition key of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartitionKey {
    /// `<collection>#<generation>#<shard>`: counters, with their name as the sort key.
    Counters { collection: Collection, generation: u32, shard: u8 },
    /// `buffer#<generation>#<shard>`: counts that are not yet in the counters of the shard.
    Buffer { generation: u32, shard: u8 },
    /// `log#<generation>#<start of the window>`: what was counted of the orders of a window, one item for each time something was.
    Log { generation: u32, window: Window },
    /// `order#<generation>#<order id>`: what an earlier version counted of an order.
    Order { generation: u32 },
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
        match kind {
            LOG => return Some(Self::Log { generation, window: Window::of(Timestamp::parse(last).ok()?) }),
            BUFFER => return Some(Self::Buffer { generation, shard: last.parse().ok()? }),
            ORDER => return Some(Self::Order { generation }),
            _ => {}
        }
        let collection = Collection::ALL.into_iter().find(|collection| collection.as_str() == kind)?;
        Some(Self::Counters { collection, generation, shard: last.parse().ok()? })
    }

    /// The generation that the item belongs to; `None` for the item that names the generations.
    pub(crate) const fn generation(self) -> Option<u32> {
        match self {
            Self::Counters { generation, .. }
            | Self::Buffer { generation, .. }
            | Self::Log { generation, .. }
            | Self::Order { generation } => Some(generation),
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
            Self::Buffer { generation, shard } => write!(f, "{BUFFER}#{generation}#{shard}"),
            Self::Log { generation, window } => write!(f, "{LOG}#{generation}#{window}"),
            Self::Order { generation } => write!(f, "{ORDER}#{generation}"),
            Self::Generations => f.write_str(GENERATIONS),
        }
    }
}

/// The part of a counter that is in one shard, as it is stored.
#[derive(Debug, Deserialize)]
pub(crate) struct CounterShard {
    #[serde(rename = "sk")]
    pub name: String,
    /// The version of the buffer whose counts were added last.
    #[serde(default)]
    pub flushed: u32,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CountedOrder {
    /// Whether the series contain the order's placement.
    pub placed: bool,
    /// The ending that was counted.
    pub end: Option<OrderEnd>,
}

impl CountedOrder {
    /// Returns the text of a log: `p` if the placement is counted, and the first letter of the ending.
    pub(crate) const fn as_str(self) -> &'static str {
        match (self.placed, self.end) {
            (false, None) => "",
            (false, Some(OrderEnd::Confirmed)) => "c",
            (false, Some(OrderEnd::Rejected)) => "r",
            (false, Some(OrderEnd::Cancelled)) => "x",
            (true, None) => "p",
            (true, Some(OrderEnd::Confirmed)) => "pc",
            (true, Some(OrderEnd::Rejected)) => "pr",
            (true, Some(OrderEnd::Cancelled)) => "px",
        }
    }

    /// Parses the text of a log. Unknown letters are ignored.
    pub(crate) fn parse(text: &str) -> Self {
        let ends = [('c', OrderEnd::Confirmed), ('r', OrderEnd::Rejected), ('x', OrderEnd::Cancelled)];
        let end = ends.into_iter().find(|(letter, _)| text.contains(*letter)).map(|(_, end)| end);
        Self { placed: text.contains('p'), end }
    }
}

/// Ten seconds. Orders that are placed in the same window are recorded in the same log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Window(i64);

impl Window {
    const MILLIS: i64 = 10_000;

    /// Returns the window that contains `time`.
    pub(crate) fn of(time: Timestamp) -> Self {
        Self(time.as_millis().div_euclid(Self::MILLIS))
    }

    /// Returns the window of an order of which it is not known when it was placed: one of 65,536 before 1970, which its id decides.
    pub(crate) fn without_time(order_id: OrderId) -> Self {
        let [.., high, low] = *order_id.as_uuid().as_bytes();
        Self(-1 - i64::from(u16::from_be_bytes([high, low])))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Timestamp::from_millis(self.0 * Self::MILLIS).fmt(f)
    }
}

/// An item of a log. It never changes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LogRecord {
    /// What is counted of each order as of this item, as [`CountedOrder::as_str`].
    pub orders: BTreeMap<String, String>,
}

impl LogRecord {
    /// Returns the record as an item of a log, of which it is the `position`th.
    pub(crate) fn item(&self, pk: PartitionKey, position: u32) -> StoredItem<'_, Self> {
        StoredItem { pk: pk.to_string(), sk: format!("{position:010}"), record: self }
    }
}

/// The counts that are not yet in the counters of a shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BufferRecord {
    /// Counts by the short name of their counter.
    pub counts: BTreeMap<String, String>,
    pub updated_at: Timestamp,
    pub version: u32,
}

impl BufferRecord {
    /// Returns the key of a buffer.
    pub(crate) fn key(table: &Table, generation: u32, shard: u8) -> Item {
        table.key_with_range(PartitionKey::Buffer { generation, shard }.to_string(), BUFFER)
    }

    /// Returns the record as an item.
    pub(crate) fn item(&self, generation: u32, shard: u8) -> StoredItem<'_, Self> {
        let pk = PartitionKey::Buffer { generation, shard };
        StoredItem { pk: pk.to_string(), sk: BUFFER.to_owned(), record: self }
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
        StoredItem { pk: PartitionKey::Generations.to_string(), sk: GENERATIONS.to_owned(), record: self }
    }
}

/// A record with its key.
#[derive(Serialize)]
pub(crate) struct StoredItem<'a, R> {
    pk: String,
    sk: String,
    #[serde(flatten)]
    record: &'a R,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Bucket;

    #[test]
    fn partition_keys_parse_back_and_name_their_generation() {
        let window = Window::of(Timestamp::parse("2026-11-20T10:00:19.999Z").unwrap());
        for (key, text, generation) in [
            (
                PartitionKey::Log { generation: 2, window },
                "log#2#2026-11-20T10:00:10.000Z".to_owned(),
                Some(2),
            ),
            (PartitionKey::Buffer { generation: 1, shard: 15 }, "buffer#1#15".to_owned(), Some(1)),
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
        for unknown in [
            "",
            "order",
            "order#1",
            "order#x#y",
            "log#1#today",
            "buffer#1#x",
            "week#1#1",
            "day#1#256",
            "day#1#1#1",
        ] {
            assert_eq!(PartitionKey::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_records_of_earlier_versions_have_a_generation() {
        let key = PartitionKey::parse("order#3#0190163d-8694-739b-aea5-966c26f8ad91");
        assert_eq!(key.and_then(PartitionKey::generation), Some(3));
    }

    #[test]
    fn the_window_of_an_order_without_a_time_is_always_the_same_and_has_a_key() {
        let order_id = OrderId::parse("0190163d-8694-539b-aea5-966c26f8ffff").unwrap();
        let window = Window::without_time(order_id);
        assert!(window < Window::of(Timestamp::from_millis(0)));
        let key = PartitionKey::Log { generation: 0, window };
        assert_eq!(PartitionKey::parse(&key.to_string()), Some(key));
    }

    #[test]
    fn what_is_counted_of_an_order_is_read_back() {
        for placed in [false, true] {
            for end in [None, Some(OrderEnd::Confirmed), Some(OrderEnd::Rejected), Some(OrderEnd::Cancelled)]
            {
                let counted = CountedOrder { placed, end };
                assert_eq!(CountedOrder::parse(counted.as_str()), counted);
            }
        }
    }
}
