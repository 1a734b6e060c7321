//! The events of the table `notifications`.

use orderflow_domain::{Event, EventData, EventType, NotificationRequested};
use orderflow_store::{Emission, EventSource, ImageError};

use crate::table::{NOTIFICATIONS, NotificationRecord};

/// Builds the events of this table for the relay.
pub const EVENT_SOURCE: EventSource = EventSource { table: &NOTIFICATIONS, build };

fn build(image: serde_dynamo::Item, emission: &Emission) -> Result<Event, ImageError> {
    let record: NotificationRecord =
        serde_dynamo::from_item(image).map_err(|error| ImageError::Shape(error.to_string()))?;
    if emission.event_type != EventType::NotificationRequested {
        return Err(ImageError::ForeignEvent(emission.event_type));
    }
    let variables = record.variables().map_err(|error| ImageError::Shape(error.to_string()))?;
    let data = EventData::NotificationRequested(NotificationRequested {
        notification_id: record.message_id,
        recipient: record.recipient,
        template: record.template,
        variables,
    });
    // A request has this event once, so the id needs no further part.
    Ok(Event::new(data, "", record.created_at, record.traceparent))
}
