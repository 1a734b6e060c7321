//! The events of the table `payments`.

use orderflow_domain::{Event, EventData, EventType, PaymentOutcome};
use orderflow_store::{Emission, EventSource, ImageError};

use crate::table::{PAYMENTS, PaymentRecord, PaymentStatus};

/// Builds the events of this table for the relay.
pub const EVENT_SOURCE: EventSource = EventSource { table: &PAYMENTS, build };

fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    let record: PaymentRecord =
        serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))?;
    let (time, traceparent) = (record.updated_at, record.traceparent.clone());
    let data = data(emission.event_type, record)?;
    Ok(match emission.resend {
        // An order has each of these events once, so the id needs no further part.
        None => Event::new(data, "", time, traceparent),
        Some(resend) => Event::resent(data, resend, time, traceparent),
    })
}

fn data(event_type: EventType, record: PaymentRecord) -> Result<EventData, ImageError> {
    let refunded = record.status == PaymentStatus::Refunded;
    let outcome = PaymentOutcome {
        order_id: record.order_id,
        amount: record.amount,
        currency: record.currency,
        provider_id: record.provider_id,
        reason: record.reason,
        email: record.email.filter(|_| refunded),
        phone: record.phone.filter(|_| refunded),
    };
    match event_type {
        EventType::PaymentCompleted => Ok(EventData::PaymentCompleted(outcome)),
        EventType::PaymentFailed => Ok(EventData::PaymentFailed(outcome)),
        EventType::PaymentVoided => Ok(EventData::PaymentVoided(outcome)),
        EventType::PaymentRefunded => Ok(EventData::PaymentRefunded(outcome)),
        other => Err(ImageError::ForeignEvent(other)),
    }
}
