//! Deliveries as spans of the traces that their events belong to.

use tracing::{Span, field};

use crate::Delivery;
use crate::measure::Fate;

/// The span of a delivery: it begins now, and ends when it is dropped. It is there only where spans are exported.
pub(crate) fn of_delivery(consumer: &'static str, delivery: &Delivery) -> Span {
    let event = &delivery.event;
    tracing::info_span!(
        parent: None,
        "delivery",
        traceparent = event.traceparent.as_deref(),
        otel.name = format!("{consumer} {}", event.event_type()),
        otel.kind = "consumer",
        otel.status_code = field::Empty,
        service = consumer,
        order.id = event.order_id().map(field::display),
        event.r#type = event.event_type().as_str(),
        attempt = delivery.attempt,
        outcome = field::Empty,
    )
}

/// Notes what became of the delivery.
pub(crate) fn settle(span: &Span, fate: Fate) {
    span.record("outcome", fate.label());
    if matches!(fate, Fate::Retried | Fate::DeadLettered) {
        span.record("otel.status_code", "ERROR");
    }
}
