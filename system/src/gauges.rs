//! Gauges of the queues and of the backlog of the relay.

use std::sync::Arc;
use std::time::Duration;

use orderflow_messaging::{QueueAdmin, QueueStatus};
use tokio::sync::watch;

use super::outbox::OutboxBacklog;

/// How often the gauges are set: as often as metrics are usually collected.
const EVERY: Duration = Duration::from_secs(5);

/// Sets the gauges until `stop` becomes true.
pub(crate) async fn measure(
    queues: Arc<dyn QueueAdmin>,
    outbox: OutboxBacklog,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        outbox.measure();
        match queues.queues().await {
            Ok(found) => found.iter().for_each(set),
            Err(error) => tracing::debug!(%error, "queues cannot be measured"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
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
