//! Metrics and spans of deliveries as they reach a consumer. What the host does with them is counted by [`Disposition::report`](crate::Disposition::report).

use orderflow_domain::Timestamp;
use tracing::{Span, field};

use crate::{Delivery, Outcome};

/// Measures a delivery: its attempt number, and the time since its event.
pub(crate) fn measure(consumer: &'static str, delivery: &Delivery, now: Timestamp) {
    metrics::histogram!("delivery_attempts", "consumer" => consumer).record(delivery.attempt);
    let lag = now.since(delivery.event.time);
    metrics::histogram!("event_lag_seconds", "consumer" => consumer).record(lag);
}

/// Starts the span of a delivery in the trace of its event. It ends when it is dropped, and exists only if spans are exported.
pub(crate) fn span(consumer: &'static str, delivery: &Delivery) -> Span {
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

/// Records the consumer's outcome in the delivery's span.
pub(crate) fn record_outcome(span: &Span, outcome: &Outcome, last_attempt: bool) {
    let (label, is_error) = match outcome {
        Outcome::Done => ("done", false),
        Outcome::Defer { .. } => ("deferred", false),
        Outcome::Retry { .. } if !last_attempt => ("retried", true),
        Outcome::Retry { .. } | Outcome::DeadLetter { .. } => ("dead_lettered", true),
    };
    span.record("outcome", label);
    if is_error {
        span.record("otel.status_code", "ERROR");
    }
}
