//! CloudEvents 1.0 envelopes in structured JSON mode.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{EventData, EventType, OrderId, Timestamp};

/// The version of the CloudEvents specification that envelopes follow.
pub const SPEC_VERSION: &str = "1.0";

/// The UUIDv5 namespace of event ids.
const EVENTS: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6576_656e_7473);

/// An event in its envelope.
///
/// The id is derived from subject, type and cause. A producer that publishes the same event again, after a crash or for a repeated
/// delivery, gives it the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id. Two events with the same subject, type and cause have the same id.
    pub id: Uuid,
    /// When the event happened, not when it was published.
    pub time: Timestamp,
    /// The W3C trace context (`traceparent`) of the request that caused the event.
    pub traceparent: Option<String>,
    /// The number of the resend, from 1, on an event that is resent for a stuck order. A consumer that has already processed the event
    /// answers a resent one again.
    pub resend: Option<u32>,
    /// What happened.
    pub data: EventData,
}

/// A text that is not an event of this system.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The text is not a CloudEvents envelope.
    #[error("not a CloudEvents envelope: {0}")]
    Envelope(#[source] serde_json::Error),
    /// The envelope follows another version of the specification.
    #[error("unsupported specversion {0:?}, expected \"1.0\"")]
    SpecVersion(String),
    /// The envelope has a type that no service here emits.
    #[error(transparent)]
    UnknownType(#[from] crate::UnknownEventType),
    /// The data does not have the shape that its type requires.
    #[error("the data of {event_type} is not valid: {source}")]
    Data {
        /// The type that the envelope names.
        event_type: EventType,
        /// The field or the place that is not valid.
        source: serde_json::Error,
    },
}

impl EventError {
    /// Describes the error for logs, without quoting the text: it may hold a customer's address. `Display` quotes it, for readers who may
    /// see the message itself.
    pub fn without_content(&self) -> String {
        let place = |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        match self {
            Self::Envelope(error) => format!("not a CloudEvents envelope ({})", place(error)),
            Self::SpecVersion(_) => "unsupported specversion".to_owned(),
            Self::UnknownType(_) => "unknown event type".to_owned(),
            Self::Data { event_type, source } => {
                format!("the data of {event_type} is not valid ({})", place(source))
            }
        }
    }
}

impl Event {
    /// Makes the event of something that happens to its subject once, or once for each `cause`.
    pub fn new(data: EventData, cause: &str, time: Timestamp, traceparent: Option<String>) -> Self {
        let name = format!("{}\n{}\n{cause}", data.subject(), data.event_type());
        Self { id: Uuid::new_v5(&EVENTS, name.as_bytes()), time, traceparent, resend: None, data }
    }

    /// Makes the event that is resent for a stuck order, for the `resend`th time. Each resend has an id of its own.
    pub fn resent(data: EventData, resend: u32, time: Timestamp, traceparent: Option<String>) -> Self {
        let event = Self::new(data, &format!("resend {resend}"), time, traceparent);
        Self { resend: Some(resend), ..event }
    }

    /// Returns the type.
    pub fn event_type(&self) -> EventType {
        self.data.event_type()
    }

    /// Returns the order that the event belongs to, or `None` for events of products, stock levels and requested messages.
    pub fn order_id(&self) -> Option<OrderId> {
        self.data.order_id()
    }

    /// Returns the trace id of the trace context.
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(self.traceparent.as_deref()?)
    }

    /// Parses an envelope.
    ///
    /// # Errors
    /// [`EventError`] for a text that is not a CloudEvents 1.0 envelope of an event of this system.
    pub fn from_json(json: &str) -> Result<Self, EventError> {
        let envelope: Envelope<'_> = serde_json::from_str(json).map_err(EventError::Envelope)?;
        if envelope.specversion != SPEC_VERSION {
            return Err(EventError::SpecVersion(envelope.specversion));
        }
        let event_type: EventType = envelope.event_type.parse()?;
        let data = EventData::from_json(event_type, envelope.data.get())
            .map_err(|source| EventError::Data { event_type, source })?;
        Ok(Self {
            id: envelope.id,
            time: envelope.time,
            traceparent: envelope.traceparent,
            resend: envelope.resend,
            data,
        })
    }

    /// Returns the envelope as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("its maps have string keys and its numbers are finite")
    }
}

/// Returns the trace id in a `traceparent` (W3C Trace Context: version, trace id, parent id, flags).
pub fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    specversion: String,
    id: Uuid,
    #[serde(rename = "type")]
    event_type: String,
    time: Timestamp,
    traceparent: Option<String>,
    // Events that were published before the attribute was renamed are still read.
    #[serde(alias = "redrive")]
    resend: Option<u32>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", SPEC_VERSION)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("source", self.event_type().source())?;
        map.serialize_entry("type", self.event_type().as_str())?;
        map.serialize_entry("subject", &self.data.subject())?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("datacontenttype", "application/json")?;
        if let Some(traceparent) = &self.traceparent {
            map.serialize_entry("traceparent", traceparent)?;
        }
        if let Some(resend) = self.resend {
            map.serialize_entry("resend", &resend)?;
        }
        map.serialize_entry("data", &self.data)?;
        map.end()
    }
}

impl EventData {
    /// Returns the order that the event belongs to, or `None` for events of products, stock levels and requested messages.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::OrderPlaced(data) => Some(data.order_id),
            Self::OrderConfirmed(data) | Self::OrderRejected(data) | Self::OrderCancelled(data) => {
                Some(data.order_id)
            }
            Self::OrderUnknown(data) => Some(data.order_id),
            Self::InventoryReserved(data) => Some(data.order_id),
            Self::InventoryRejected(data) => Some(data.order_id),
            Self::InventoryReleased(data) => Some(data.order_id),
            Self::PaymentCompleted(data)
            | Self::PaymentFailed(data)
            | Self::PaymentVoided(data)
            | Self::PaymentRefunded(data) => Some(data.order_id),
            Self::ProductCreated(_)
            | Self::ProductUpdated(_)
            | Self::ProductRemoved(_)
            | Self::StockAdjusted(_)
            | Self::NotificationRequested(_) => None,
        }
    }

    /// Returns the CloudEvents `subject`: the id of an order or of a notification, or a sku.
    pub fn subject(&self) -> String {
        match self {
            Self::ProductCreated(data) | Self::ProductUpdated(data) | Self::ProductRemoved(data) => {
                data.sku.to_string()
            }
            Self::StockAdjusted(data) => data.sku.to_string(),
            Self::NotificationRequested(data) => data.notification_id.to_string(),
            _ => self.order_id().map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InventoryReleased;

    fn released() -> EventData {
        let order_id = OrderId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap();
        EventData::InventoryReleased(InventoryReleased { order_id, items: vec![] })
    }

    #[test]
    fn the_same_cause_gives_the_same_event_id() {
        let make = |cause, millis| Event::new(released(), cause, Timestamp::from_millis(millis), None).id;
        assert_eq!(make("1", 0), make("1", 5));
        assert_ne!(make("1", 0), make("2", 0));
        assert_ne!(Event::resent(released(), 1, Timestamp::from_millis(0), None).id, make("1", 0));
    }

    #[test]
    fn a_written_envelope_parses_to_the_same_event() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let event = Event::resent(released(), 3, Timestamp::from_millis(1), Some(trace.to_owned()));
        let json = event.to_json();
        assert_eq!(Event::from_json(&json).unwrap(), event);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["specversion"], "1.0");
        assert_eq!(value["type"], "inventory.released");
        assert_eq!(value["source"], "/orderflow/inventory");
        assert_eq!(value["subject"], "0190163d-8694-739b-aea5-966c26f8ad91");
        assert_eq!(event.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    }

    #[test]
    fn an_event_published_under_the_former_attribute_name_is_read() {
        let event = Event::resent(released(), 2, Timestamp::from_millis(1), None);
        let former = event.to_json().replace("\"resend\":", "\"redrive\":");
        assert_ne!(former, event.to_json());
        assert_eq!(Event::from_json(&former).unwrap(), event);
    }

    #[test]
    fn an_error_names_the_part_that_is_not_valid() {
        let event = Event::new(released(), "", Timestamp::from_millis(0), None).to_json();
        assert!(matches!(Event::from_json("{"), Err(EventError::Envelope(_))));
        assert!(matches!(Event::from_json("[]"), Err(EventError::Envelope(_))));
        let other = event.replace("\"specversion\":\"1.0\"", "\"specversion\":\"0.3\"");
        assert!(matches!(Event::from_json(&other), Err(EventError::SpecVersion(_))));
        let other = event.replace("inventory.released", "inventory.gone");
        assert!(matches!(Event::from_json(&other), Err(EventError::UnknownType(_))));
        let other = event.replace("inventory.released", "order.placed");
        assert!(matches!(Event::from_json(&other), Err(EventError::Data { .. })));
    }

    #[test]
    fn errors_for_logs_quote_no_content() {
        let event = Event::new(released(), "", Timestamp::from_millis(0), None).to_json();
        let secret = "\"jane@example.com\"";
        for broken in [
            secret.to_owned(),
            event.replace("\"1.0\"", secret),
            event.replace("\"inventory.released\"", secret),
            event.replace("\"items\":[]", &format!("\"items\":{secret}")),
        ] {
            let error = Event::from_json(&broken).unwrap_err();
            assert!(error.to_string().contains("jane"), "{error}");
            assert!(!error.without_content().contains("jane"), "{}", error.without_content());
        }
    }
}
