//! The events of the table `orders`.

use orderflow_domain::{Event, EventData, EventType, OrderEnded, OrderPlaced};
use orderflow_store::{Emission, EventSource, ImageError};

use crate::record::OrderRecord;
use crate::table::ORDERS;

/// How the relay builds the events of this table.
pub const EVENT_SOURCE: EventSource = EventSource { table: &ORDERS, build };

fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    let record: OrderRecord =
        serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))?;
    let (time, traceparent) = (record.updated_at, record.traceparent.clone());
    let data = data(emission.event_type, record).ok_or(ImageError::ForeignEvent(emission.event_type))?;
    Ok(match emission.resend {
        None => Event::new(data, "", time, traceparent),
        Some(resend) => Event::resent(data, resend, time, traceparent),
    })
}

/// What an order tells in an event of this type; none where another service tells it.
pub(crate) fn data(event_type: EventType, record: OrderRecord) -> Option<EventData> {
    match event_type {
        EventType::OrderPlaced => Some(EventData::OrderPlaced(placed(record))),
        EventType::OrderConfirmed => Some(EventData::OrderConfirmed(ended(record))),
        EventType::OrderRejected => Some(EventData::OrderRejected(ended(record))),
        EventType::OrderCancelled => Some(EventData::OrderCancelled(ended(record))),
        _ => None,
    }
}

fn placed(record: OrderRecord) -> OrderPlaced {
    OrderPlaced {
        order_id: record.id,
        customer_id: record.customer_id,
        email: record.email,
        phone: record.phone,
        items: record.lines,
        total: record.total,
        payment_token: record.payment_token,
    }
}

fn ended(record: OrderRecord) -> OrderEnded {
    OrderEnded {
        order_id: record.id,
        customer_id: record.customer_id,
        email: record.email,
        phone: record.phone,
        total: record.total,
        reason: record.reason,
        items: record.lines,
    }
}
