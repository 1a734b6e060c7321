//! What is counted and measured of deliveries, for each consumer.

use orderflow_domain::Timestamp;

use crate::Delivery;

/// What became of a delivery, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    Retried,
    Deferred,
    DeadLettered,
}

impl Fate {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Deferred => "deferred",
            Self::DeadLettered => "dead_lettered",
        }
    }
}

/// Measures a delivery as it reaches its consumer: which attempt it is, and how long its event was on the way.
pub(crate) fn delivered(consumer: &'static str, delivery: &Delivery, now: Timestamp) {
    metrics::histogram!("delivery_attempts", "consumer" => consumer).record(delivery.attempt);
    let lag = now.since(delivery.event.time);
    metrics::histogram!("event_lag_seconds", "consumer" => consumer).record(lag);
}

/// Counts what became of a delivery.
pub(crate) fn settled(consumer: &'static str, fate: Fate) {
    metrics::counter!("deliveries_total", "consumer" => consumer, "outcome" => fate.label()).increment(1);
}
