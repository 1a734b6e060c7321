//! The report of a process about the system.

use std::collections::BTreeMap;

use orderflow_domain::{EventType, OrderId, OrderStatus, Timestamp};
use orderflow_http::Health;
use orderflow_messaging::QueueStatus;
use serde::Serialize;
use utoipa::ToSchema;

/// What happens at present, as the answering process knows it. Counts begin with 0 when it starts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveSnapshot {
    /// When this was reported.
    pub time: Timestamp,
    /// When the process started.
    pub started_at: Timestamp,
    /// As `GET /health` answers.
    pub health: Health,
    /// As `GET /api/v1/admin/queues` answers; empty if the broker does not answer.
    pub queues: Vec<QueueStatus>,
    /// The orders whose events this process published.
    pub orders: OrderCounts,
    /// The messages that each consumer in this process handled.
    pub handled: BTreeMap<String, u64>,
    /// How long the orders took that ended in the last minute; null if none did.
    pub latency_ms: Option<LatencyMillis>,
    /// The changes of orders since the process started: the number grows with every change.
    pub changed: u64,
    /// The changes since the last report, oldest first; a sample of 50 if there were more.
    pub changes: Vec<OrderChange>,
    /// The changes since the last report that are not among `changes`.
    pub left_out: u64,
}

/// Numbers of orders.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct OrderCounts {
    pub placed: u64,
    pub confirmed: u64,
    pub rejected: u64,
    pub cancelled: u64,
}

impl OrderCounts {
    pub(super) fn count(&mut self, event: EventType) {
        match event {
            EventType::OrderPlaced => self.placed += 1,
            EventType::OrderConfirmed => self.confirmed += 1,
            EventType::OrderRejected => self.rejected += 1,
            EventType::OrderCancelled => self.cancelled += 1,
            _ => {}
        }
    }
}

/// The time from an order's placement to its end, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LatencyMillis {
    /// Half of the orders took at most this.
    pub p50: u64,
    /// 99 of 100 orders took at most this.
    pub p99: u64,
}

/// An order and the status that it got.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderChange {
    pub id: OrderId,
    #[schema(value_type = OrderStatus)]
    pub status: &'static str,
    pub time: Timestamp,
}
