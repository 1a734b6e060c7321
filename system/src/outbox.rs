//! The backlog of the relay over all tables.

use orderflow_bridge::{Backlog, StreamPollerStatus};
use orderflow_domain::Timestamp;
use orderflow_http::HealthFigure;

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
    pub(crate) fn measure(&self) {
        let backlog = self.now();
        // Exact up to 2^53.
        metrics::gauge!("outbox_pending").set(backlog.writes as f64);
        metrics::gauge!("outbox_oldest_seconds").set(seconds_since(backlog.oldest));
    }

    fn now(&self) -> Backlog {
        self.0.iter().map(StreamPollerStatus::backlog).sum()
    }
}

fn seconds_since(oldest: Option<Timestamp>) -> f64 {
    oldest.map_or(0.0, |oldest| Timestamp::now().since(oldest).as_secs_f64())
}
