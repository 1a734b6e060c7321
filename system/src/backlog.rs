//! The backlog of the relay and of the queues, as gauges and as figures of `/health`.

use std::sync::Arc;
use std::time::Duration;

use orderflow_bridge::{Backlog, StreamPollerStatus};
use orderflow_domain::Timestamp;
use orderflow_http::HealthFigure;
use orderflow_messaging::{QueueAdmin, QueueStatus};
use tokio::sync::watch;

/// What the stream pollers of this process have read and not published. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct OutboxBacklog(Vec<StreamPollerStatus>);

impl OutboxBacklog {
    pub(crate) fn new(stream_pollers: Vec<StreamPollerStatus>) -> Self {
        Self(stream_pollers)
    }

    /// Returns the figures for `/health`.
    pub(crate) fn figures(&self) -> Vec<HealthFigure> {
        let (pending, oldest) = (self.clone(), self.clone());
        vec![
            HealthFigure::new("outbox_pending", move || pending.now().writes),
            HealthFigure::new("outbox_oldest_seconds", move || seconds_since(oldest.now().oldest)),
        ]
    }

    /// Sets the gauges of the backlog.
    pub(crate) fn set_gauges(&self) {
        let backlog = self.now();
        // Exact up to 2^53.
        metrics::gauge!("outbox_pending").set(backlog.writes as f64);
        metrics::gauge!("outbox_oldest_seconds").set(seconds_since(backlog.oldest));
    }

    /// Returns the backlog of all stream pollers together.
    pub(crate) fn now(&self) -> Backlog {
        self.0.iter().map(StreamPollerStatus::backlog).sum()
    }
}

fn seconds_since(oldest: Option<Timestamp>) -> f64 {
    oldest.map_or(0.0, |oldest| Timestamp::now().since(oldest).as_secs_f64())
}

/// How often the gauges are set: as often as metrics are usually collected.
const GAUGE_INTERVAL: Duration = Duration::from_secs(5);

/// Sets the gauges until `stop` becomes true.
pub(crate) async fn set_gauges(
    queues: Arc<dyn QueueAdmin>,
    outbox: OutboxBacklog,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        outbox.set_gauges();
        match queues.queues().await {
            Ok(found) => found.iter().for_each(set),
            Err(error) => tracing::debug!(%error, "queues cannot be measured"),
        }
        tokio::select! {
            () = tokio::time::sleep(GAUGE_INTERVAL) => {}
            changed = stop.changed() => if changed.is_err() { return },
        }
    }
}

fn set(queue: &QueueStatus) {
    let states = [
        ("ready", queue.ready),
        ("in_flight", queue.in_flight),
        ("delayed", queue.delayed),
        ("dead", queue.dead),
    ];
    for (state, messages) in states {
        // Exact up to 2^53.
        let gauge = metrics::gauge!("queue_messages", "consumer" => queue.consumer.clone(), "state" => state);
        gauge.set(messages as f64);
    }
}
