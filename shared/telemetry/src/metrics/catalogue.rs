//! Every metric of the system.

use metrics::Unit;

/// From a delivery inside one process to an outage of an hour.
const LAG_SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3_600.0];

/// Up to the default number of attempts, and beyond, because a delivery is retried for at least ten minutes.
const ATTEMPTS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0];

/// From a read of memory to a store that is retried repeatedly.
const ANSWER_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// All metrics of the system.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "http_requests_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "HTTP requests by method, route and status. The route is the template of the API, not the path of the request.",
    },
    Metric {
        name: "http_request_duration_seconds",
        kind: MetricKind::Histogram(ANSWER_SECONDS),
        unit: Unit::Seconds,
        help: "Time from a request to its response, by method and route.",
    },
    Metric {
        name: "http_requests_refused_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "HTTP requests that were refused before they reached a route, by reason.",
    },
    Metric {
        name: "orders_created_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Orders that were accepted. A repeated request with the same Idempotency-Key is not counted.",
    },
    Metric {
        name: "orders_created_duration_seconds",
        kind: MetricKind::Histogram(ANSWER_SECONDS),
        unit: Unit::Seconds,
        help: "Time from the request to the stored order.",
    },
    Metric {
        name: "outbox_pending",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "Writes that the relay has read from the tables' streams and not published yet. Reported by the process that runs outbox-relay.",
    },
    Metric {
        name: "outbox_oldest_seconds",
        kind: MetricKind::Gauge,
        unit: Unit::Seconds,
        help: "Age of the oldest write in outbox_pending. Reported by the process that runs outbox-relay.",
    },
    Metric {
        name: "deliveries_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Deliveries to a consumer by outcome: done, retried, deferred (redelivered without counting an attempt) or dead_lettered.",
    },
    Metric {
        name: "delivery_attempts",
        kind: MetricKind::Histogram(ATTEMPTS),
        unit: Unit::Count,
        help: "Attempt number of each delivery to a consumer, starting at 1.",
    },
    Metric {
        name: "event_lag_seconds",
        kind: MetricKind::Histogram(LAG_SECONDS),
        unit: Unit::Seconds,
        help: "Time from an event to its delivery to a consumer.",
    },
    Metric {
        name: "queue_messages",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "Messages of a consumer by state: ready, in_flight, delayed or dead. Reported by the process that runs outbox-relay.",
    },
    Metric {
        name: "unsettled_orders",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "Orders that are neither confirmed nor refused with everything undone. Reported by the process that runs order-expiry.",
    },
    Metric {
        name: "unsettled_oldest_seconds",
        kind: MetricKind::Gauge,
        unit: Unit::Seconds,
        help: "Age of the oldest unsettled order. Reported by the process that runs order-expiry.",
    },
    Metric {
        name: "refunds_failed_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Refunds that failed. The payment stays in status refund_failed until an operator tries again.",
    },
    Metric {
        name: "disputes_opened_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Charges that a customer's bank disputes, as Stripe's webhook reports them.",
    },
    Metric {
        name: "circuit_breaker_state",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "State of a circuit breaker: 0 closed, 1 half-open, 2 open.",
    },
    Metric {
        name: "circuit_breaker_transitions_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Transitions of a circuit breaker to a state: open, half_open or closed.",
    },
    Metric {
        name: "catalog_cache_lookups_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Lookups in the catalog cache by outcome: hit, or miss, which reads the store.",
    },
];

/// The description of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// The name, which ends with the unit unless the value is a count.
    pub name: &'static str,
    /// The kind of metric.
    pub kind: MetricKind,
    /// The unit of its values.
    pub unit: Unit,
    /// The help text for people.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricKind {
    /// A sum that never decreases.
    Counter,
    /// The last value.
    Gauge,
    /// Counts of values in buckets with these upper bounds, in the metric's unit.
    Histogram(&'static [f64]),
}
