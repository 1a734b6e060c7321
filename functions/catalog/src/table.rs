//! The table `catalog`.

use orderflow_domain::{Money, Sku, Timestamp};
use orderflow_store::{IndexDefinition, TableDefinition};
use serde::{Deserialize, Serialize};

/// Products, by sku.
pub static CATALOG: TableDefinition =
    TableDefinition { name: "catalog", hash: "sku", range: None, indexes: &[LISTED], streams: true };

/// The products that are sold, in the order of their skus.
pub(crate) const LISTED: IndexDefinition = IndexDefinition { name: "listed", hash: "listed", range: "sku" };

/// The one partition of [`LISTED`]: products change too rarely for it to be hot.
pub(crate) const LISTED_PARTITION: &str = "product";

/// A product as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProductRecord {
    pub sku: Sku,
    pub name: String,
    pub price: Money,
    /// The first stock, as `product.created` tells inventory. A product that is brought back keeps it, so that whichever of its creations
    /// arrives first books the same.
    pub stock: i64,
    /// Set while it is sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl ProductRecord {
    pub(crate) fn is_sold(&self) -> bool {
        self.listed.is_some()
    }
}
