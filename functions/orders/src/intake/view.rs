//! An order as clients see it.

use orderflow_domain::{CustomerId, Email, Money, OrderId, OrderLine, Phone, Timestamp};
use serde::Serialize;

use crate::record::OrderRecord;

#[derive(Serialize)]
pub(crate) struct OrderView {
    id: OrderId,
    customer_id: CustomerId,
    email: Email,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Phone>,
    items: Vec<OrderLine>,
    total: Money,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
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
#[derive(Serialize)]
pub(crate) struct Timeline {
    events: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    r#type: String,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
