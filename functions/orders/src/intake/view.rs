//! The JSON of orders and their events in the API.

use orderflow_domain::{
    CancellationReason, CustomerId, Email, EventType, Money, OrderId, OrderLine, OrderStatus, Phone,
    RejectionReason, Timestamp,
};
use serde::Serialize;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::timeline_order;
use crate::table::{OrderRecord, TimelineEntry};

/// An order.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderView {
    id: OrderId,
    customer_id: CustomerId,
    email: Email,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phone: Option<Phone>,
    items: Vec<OrderLine>,
    total: Money,
    #[schema(value_type = OrderStatus)]
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = refusal_reason)]
    reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Returns the schema of the reasons of rejected and cancelled orders.
fn refusal_reason() -> Schema {
    OneOfBuilder::new().item(RejectionReason::schema()).item(CancellationReason::schema()).into()
}

impl From<OrderRecord> for OrderView {
    fn from(record: OrderRecord) -> Self {
        Self {
            id: record.id,
            customer_id: record.customer_id,
            email: record.email,
            phone: record.phone,
            items: record.lines,
            total: record.total,
            status: record.status,
            reason: record.reason,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// The events of an order in the order in which they happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    events: Vec<Entry>,
}

/// One event of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
struct Entry {
    #[schema(value_type = EventType)]
    r#type: String,
    time: Timestamp,
    /// The attempt number of the delivery of this event to the order, starting at 1. It does not count the attempts of the service that
    /// published the event, such as those to charge. Absent for events of the order itself, which are not delivered to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attempt: Option<u32>,
    /// The trace in which the event was caused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trace_id: Option<String>,
    /// Why the order was refused, or which units were missing, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

impl From<OrderRecord> for Timeline {
    fn from(record: OrderRecord) -> Self {
        let own_trace = record.trace_id().map(str::to_owned);
        let entry = |entry: TimelineEntry| Entry {
            attempt: entry.delivery_attempt(),
            r#type: entry.event_type,
            time: Timestamp::from_millis(entry.millis),
            trace_id: entry.trace_id.or_else(|| own_trace.clone()),
            detail: entry.detail,
        };
        Self { events: timeline_order::sort(record.timeline).into_iter().map(entry).collect() }
    }
}
