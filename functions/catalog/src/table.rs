//! The table `catalog`, and the events that the relay builds from its items.

use orderflow_domain::{Event, EventData, EventType, Money, ProductChanged, Sku, Timestamp};
use orderflow_store::{Emission, EventSource, ImageError, IndexDefinition, TableDefinition};
use serde::{Deserialize, Serialize};

/// Products, by sku.
pub static CATALOG: TableDefinition =
    TableDefinition { name: "catalog", hash: "sku", range: None, indexes: &[LISTED], streams: true };

/// The products for sale, in the order of their skus.
pub(crate) const LISTED: IndexDefinition = IndexDefinition { name: "listed", hash: "listed", range: "sku" };

/// The only partition of [`LISTED`]. One is enough: products change rarely.
pub(crate) const LISTED_PARTITION: &str = "product";

/// A product as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProductRecord {
    pub sku: Sku,
    pub name: String,
    pub price: Money,
    /// The first stock, which inventory books from `product.created`. A product that is created again keeps it: inventory books the same
    /// number from whichever `product.created` arrives first.
    pub stock: i64,
    /// The partition of [`LISTED`]; absent for a removed product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl ProductRecord {
    /// Returns whether the product can be ordered.
    pub(crate) fn is_for_sale(&self) -> bool {
        self.listed.is_some()
    }
}

/// Builds the events of this table for the relay.
pub const EVENT_SOURCE: EventSource = EventSource { table: &CATALOG, build };

fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    let record: ProductRecord =
        serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))?;
    let changed = |stock| ProductChanged {
        sku: record.sku.clone(),
        name: record.name.clone(),
        price: record.price.clone(),
        stock,
    };
    let data = match emission.event_type {
        EventType::ProductCreated => EventData::ProductCreated(changed(Some(record.stock))),
        EventType::ProductUpdated => EventData::ProductUpdated(changed(None)),
        EventType::ProductRemoved => EventData::ProductRemoved(changed(None)),
        other => return Err(ImageError::ForeignEvent(other)),
    };
    Ok(Event::new(data, &format!("version {}", record.version), record.updated_at, record.traceparent))
}
