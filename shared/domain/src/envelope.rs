//! CloudEvents 1.0 envelopes in structured JSON mode.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{EventData, EventType, OrderId, Timestamp};

/// The version of the CloudEvents specification that envelopes follow.
pub const SPEC_VERSION: &str = "1.0";

/// The namespace of event ids.
const EVENTS: Uuid = Uuid::from_u128(0x6f72_6465_7266_6c6f_8000_6576_656e_7473);

/// An event in its envelope.
///
/// The id is derived from subject, type and cause: whoever tells of the same thing again, after a crash or a
/// repeated delivery, makes the same event again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id, the same for the same cause.
    pub id: Uuid,
    /// When what it tells of happened.
    pub time: Timestamp,
    /// The W3C trace context (`traceparent`) that it belongs to.
    pub traceparent: Option<String>,
    /// Set where it is told again on purpose: whoever already did what it asks answers again.
    pub redrive: Option<u32>,
    /// What happened.
    pub data: EventData,
}

/// A text that is no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// No CloudEvents envelope.
    #[error("no CloudEvents envelope: {0}")]
    Envelope(#[source] serde_json::Error),
    /// Another version of the specification.
    #[error("unsupported specversion {0:?}, expected \"1.0\"")]
    SpecVersion(String),
    /// A type that nobody here emits.
    #[error(transparent)]
    UnknownType(#[from] crate::UnknownEventType),
    /// Data that does not fit the type.
    #[error("data of {event_type} does not fit: {source}")]
    Data {
        /// The type that the envelope names.
        event_type: EventType,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl EventError {
    /// What is wrong without quoting the text, which may hold an address: for logs. The whole error is for whoever may see the text.
    pub fn without_content(&self) -> String {
        let place = |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        match self {
            Self::Envelope(error) => format!("no CloudEvents envelope ({})", place(error)),
            Self::SpecVersion(_) => "unsupported specversion".to_owned(),
            Self::UnknownType(_) => "unknown event type".to_owned(),
            Self::Data { event_type, source } => {
                format!("data of {event_type} does not fit ({})", place(source))
            }
        }
    }
}

impl Event {
    /// An event of something that happens once to its subject, or once for each `cause`.
    pub fn new(data: EventData, cause: &str, time: Timestamp, traceparent: Option<String>) -> Self {
        let name = format!("{}\n{}\n{cause}", data.subject(), data.event_type());
        Self { id: Uuid::new_v5(&EVENTS, name.as_bytes()), time, traceparent, redrive: None, data }
    }

    /// The same thing told again, for the `redrive`th time.
    pub fn redriven(data: EventData, redrive: u32, time: Timestamp, traceparent: Option<String>) -> Self {
        let event = Self::new(data, &format!("redrive {redrive}"), time, traceparent);
        Self { redrive: Some(redrive), ..event }
    }

    /// Its type.
    pub fn event_type(&self) -> EventType {
        self.data.event_type()
    }

    /// The order that it is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        self.data.order_id()
    }

    /// The trace id of its trace context.
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(self.traceparent.as_deref()?)
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// [`EventError`] where it is no envelope, or none of these events.
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
            redrive: envelope.redrive,
            data,
        })
    }

    /// The envelope as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("its maps have string keys and its numbers are finite")
    }
}

/// The trace id in a `traceparent` (W3C Trace Context: version, trace id, parent id, flags).
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
    redrive: Option<u32>,
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
        if let Some(redrive) = self.redrive {
            map.serialize_entry("redrive", &redrive)?;
        }
        map.serialize_entry("data", &self.data)?;
        map.end()
    }
}

impl EventData {
    /// The order that it is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::OrderPlaced(data) => Some(data.order_id),
            Self::OrderConfirmed(data) | Self::OrderRejected(data) | Self::OrderCancelled(data) => {
                Some(data.order_id)
            }
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

    /// What it is about: the id of an order or a notification, or a sku.
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
    fn the_same_cause_gives_the_same_event() {
        let make = |cause, millis| Event::new(released(), cause, Timestamp::from_millis(millis), None).id;
        assert_eq!(make("1", 0), make("1", 5));
        assert_ne!(make("1", 0), make("2", 0));
        assert_ne!(Event::redriven(released(), 1, Timestamp::from_millis(0), None).id, make("1", 0));
    }

    #[test]
    fn an_envelope_reads_back_as_it_was_written() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let event = Event::redriven(released(), 3, Timestamp::from_millis(1), Some(trace.to_owned()));
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
    fn what_is_no_event_says_why() {
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
    fn errors_for_logs_quote_nothing() {
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
