//! An order as clients see it.

use orderflow_domain::{
    CancellationReason, CustomerId, Email, EventType, Money, OrderId, OrderLine, OrderStatus, Phone,
    RejectionReason, Timestamp,
};
use serde::Serialize;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::record::OrderRecord;

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

/// Why an order is rejected, or why it is cancelled.
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

/// What happened to an order, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    events: Vec<Entry>,
}

/// One thing that happened to an order.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
struct Entry {
    #[schema(value_type = EventType)]
    r#type: String,
    time: Timestamp,
    /// The how manieth delivery took effect, where it was not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attempt: Option<u32>,
    /// The trace that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trace_id: Option<String>,
    /// More, for a person: why the order ended, or what there was too little of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

impl From<OrderRecord> for Timeline {
    fn from(record: OrderRecord) -> Self {
        let own_trace = record.trace_id().map(str::to_owned);
        let entry = |entry: crate::timeline::TimelineEntry| Entry {
            attempt: entry.delivery_attempt(),
            r#type: entry.event_type,
            time: Timestamp::from_millis(entry.millis),
            trace_id: entry.trace_id.or_else(|| own_trace.clone()),
            detail: entry.detail,
        };
        // Reports arrive in any order; what happened at the same time stays as it arrived.
        let mut timeline = record.timeline;
        timeline.sort_by_key(|entry| entry.millis);
        Self { events: timeline.into_iter().map(entry).collect() }
    }
}
