//! The events of the table `inventory`.

use orderflow_domain::{
    Event, EventData, EventType, InventoryRejected, InventoryReleased, InventoryReserved, RejectionReason,
    StockAdjusted,
};
use orderflow_store::{Emission, EventSource, ImageError};
use serde::de::DeserializeOwned;

use crate::table::{INVENTORY, ReservationRecord, StockRecord};

/// How the relay builds the events of this table.
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
            total: record.total.ok_or_else(|| ImageError::Shape("a reservation without total".to_owned()))?,
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
