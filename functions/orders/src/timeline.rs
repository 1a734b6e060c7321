//! What happened to an order, in order.

use orderflow_domain::{Event, EventData, EventType, Shortage, Timestamp};
use serde::{Deserialize, Serialize};

/// One thing that happened. Its names are short because it is part of the order's item, which is to stay under 1 KB (one write unit).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimelineEntry {
    /// The event's type.
    #[serde(rename = "e")]
    pub event_type: String,
    /// When it happened, in milliseconds since 1970.
    #[serde(rename = "t")]
    pub millis: i64,
    /// The how manieth delivery took effect, where it was not the first.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Its trace, where that is not the order's own.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// More, for a person.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl TimelineEntry {
    /// Something that the order itself did.
    pub(crate) fn own(event_type: EventType, time: Timestamp, detail: Option<&str>) -> Self {
        Self {
            event_type: event_type.as_str().to_owned(),
            millis: time.as_millis(),
            attempt: None,
            trace_id: None,
            detail: detail.map(str::to_owned),
        }
    }

    /// Something that another service reported.
    pub(crate) fn reported(event: &Event, attempt: u32, own_trace: Option<&str>) -> Self {
        Self {
            event_type: event.event_type().as_str().to_owned(),
            millis: event.time.as_millis(),
            attempt: (attempt > 1).then_some(attempt),
            trace_id: event.trace_id().filter(|id| Some(*id) != own_trace).map(str::to_owned),
            detail: detail(event),
        }
    }

    /// The how manieth delivery took effect; none for what the order itself did, which was not delivered.
    pub(crate) fn delivery_attempt(&self) -> Option<u32> {
        let is_own = self.event_type.starts_with("order.");
        self.attempt.or((!is_own).then_some(1))
    }
}

/// What a report says besides its type.
fn detail(event: &Event) -> Option<String> {
    match &event.data {
        EventData::InventoryRejected(data) => Shortage::summary(&data.shortages),
        _ => None,
    }
}
