//! The events of the table `catalog`.

use orderflow_domain::{Event, EventData, EventType, ProductChanged};
use orderflow_store::{Emission, EventSource, ImageError};

use crate::table::{CATALOG, ProductRecord};

/// How the relay builds the events of this table.
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
