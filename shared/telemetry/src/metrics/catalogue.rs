//! Every metric of the system.

use metrics::Unit;

/// From a hop inside one process to an outage that lasted an hour.
const LAG_SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3_600.0];

/// Up to the attempt at which a delivery is given up, and beyond, where that comes too early to give up.
const ATTEMPTS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0];

/// From a look into memory to a store that is asked again and again.
const ANSWER_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Every metric that this system records.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "http_requests_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Requests that were answered, by method, route and status. The route is that of the API, never the path itself.",
    },
    Metric {
        name: "http_request_duration_seconds",
        kind: MetricKind::Histogram(ANSWER_SECONDS),
        unit: Unit::Seconds,
        help: "From a request to its answer, by method and route.",
    },
    Metric {
        name: "orders_created_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Orders that were taken in; a repeat of one is none.",
    },
    Metric {
        name: "orders_created_duration_seconds",
        kind: MetricKind::Histogram(ANSWER_SECONDS),
        unit: Unit::Seconds,
        help: "From the request to the order being stored.",
    },
    Metric {
        name: "outbox_pending",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "Writes that were read off the tables' streams and whose events are not published yet. Told by the process that runs outbox-relay.",
    },
    Metric {
        name: "outbox_oldest_seconds",
        kind: MetricKind::Gauge,
        unit: Unit::Seconds,
        help: "The age of the oldest of them. Told by the process that runs outbox-relay.",
    },
    Metric {
        name: "deliveries_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Deliveries to a consumer, by what became of them: done, retried, deferred (not tried, no attempt counted) or dead_lettered.",
    },
    Metric {
        name: "delivery_attempts",
        kind: MetricKind::Histogram(ATTEMPTS),
        unit: Unit::Count,
        help: "The how manieth attempt a delivery to a consumer is, from 1.",
    },
    Metric {
        name: "event_lag_seconds",
        kind: MetricKind::Histogram(LAG_SECONDS),
        unit: Unit::Seconds,
        help: "From the time of an event to its delivery to a consumer.",
    },
    Metric {
        name: "queue_messages",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "Messages of a consumer by where they are: ready, in_flight, delayed or dead. Told by the process that runs outbox-relay.",
    },
    Metric {
        name: "unsettled_orders",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "Orders that have not ended, or whose refusal is not undone everywhere. Told by the process that runs order-expiry.",
    },
    Metric {
        name: "unsettled_oldest_seconds",
        kind: MetricKind::Gauge,
        unit: Unit::Seconds,
        help: "The age of the oldest unsettled order. Told by the process that runs order-expiry.",
    },
    Metric {
        name: "refunds_failed_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "How often a charge could not be undone for good: the payment is refund_failed until somebody tries again.",
    },
    Metric {
        name: "circuit_breaker_state",
        kind: MetricKind::Gauge,
        unit: Unit::Count,
        help: "How a circuit breaker stands: 0 closed, 1 half-open, 2 open.",
    },
    Metric {
        name: "circuit_breaker_transitions_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "How often a circuit breaker went to a state: open, half_open or closed.",
    },
    Metric {
        name: "catalog_cache_lookups_total",
        kind: MetricKind::Counter,
        unit: Unit::Count,
        help: "Products that were looked for in the cache of the catalog, by outcome: hit, or miss, which asks the store.",
    },
];

/// What a metric's name means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name; a unit other than a count stands in it.
    pub name: &'static str,
    /// What is done with its values.
    pub kind: MetricKind,
    /// What its values are.
    pub unit: Unit,
    /// What it says, for a person.
    pub help: &'static str,
}

/// What is done with a metric's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricKind {
    /// They are added up, and never fall.
    Counter,
    /// The last one counts.
    Gauge,
    /// They are sorted into buckets with these upper bounds, in the metric's unit.
    Histogram(&'static [f64]),
}
