//! The table `orders` and its indexes.

use orderflow_store::{IndexDefinition, TableDefinition};

/// Orders by id; for orders with several lines also one item a further line, under `<order id>#<sku>`, so that they are listed under
/// each of their skus.
pub static ORDERS: TableDefinition = TableDefinition {
    name: "orders",
    hash: "id",
    range: None,
    indexes: &[BY_CUSTOMER, BY_STATUS, BY_SKU, ALL, OPEN],
    streams: true,
};

/// Orders of a customer, by time.
pub(crate) const BY_CUSTOMER: IndexDefinition =
    IndexDefinition { name: "by_customer", hash: "customer_id", range: "listed_at" };

/// Orders in a status, by time.
pub(crate) const BY_STATUS: IndexDefinition =
    IndexDefinition { name: "by_status", hash: "status_partition", range: "listed_at" };

/// Orders with a sku, by time.
pub(crate) const BY_SKU: IndexDefinition =
    IndexDefinition { name: "by_sku", hash: "sku_partition", range: "listed_at" };

/// All orders, by time.
pub(crate) const ALL: IndexDefinition =
    IndexDefinition { name: "all", hash: "all_partition", range: "listed_at" };

/// Orders that are not settled, by time.
pub(crate) const OPEN: IndexDefinition =
    IndexDefinition { name: "open", hash: "open_partition", range: "listed_at" };

/// Over how many partitions a value is spread that would be hot as one: a status, a sku, all.
pub(crate) const SHARDS: u8 = 16;
