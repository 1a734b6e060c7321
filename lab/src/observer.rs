//! Observes a shop from outside: the counters of its metrics, the totals of analytics, and the CPU time and memory of its processes.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::BenchError;
use crate::connection::{Address, Connection};
use crate::processes::{Consumption, Meter};

/// The metric that counts deliveries, and the consumers whose work completes an order.
const DELIVERIES: &str = "deliveries_total{";
const LAST_CONSUMERS: [&str; 2] = ["consumer=\"analytics\"", "consumer=\"notification\""];
const DONE: &str = "outcome=\"done\"";

/// How many orders analytics has counted. Several clients share one read of the store a second.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Summary {
    by_status: ByStatus,
    revenue: Revenue,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ByStatus {
    confirmed: u64,
    rejected: u64,
    cancelled: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Revenue {
    currency: String,
}

impl Summary {
    /// Reads the totals.
    ///
    /// # Errors
    /// [`BenchError::Answer`] if the shop does not answer as expected.
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self, BenchError> {
        connection.get("/api/v1/analytics/summary").await
    }

    /// Returns the number of orders whose end is counted.
    pub(crate) fn ended(&self) -> u64 {
        self.by_status.confirmed + self.by_status.rejected + self.by_status.cancelled
    }

    pub(crate) fn currency(&self) -> &str {
        &self.revenue.currency
    }
}

/// Watches a shop during a measurement.
pub(crate) struct Observer {
    connection: Connection,
    meter: Meter,
    /// The deliveries that complete orders, so far; `None` if this process of the shop does not count them.
    deliveries: Option<u64>,
    /// When that number last changed, and what the processes had used then.
    changed: (Instant, Vec<Consumption>),
    /// When the last sample was taken.
    sampled_at: Instant,
}

impl Observer {
    pub(crate) fn new(address: &Address, meter: Meter) -> Self {
        let now = Instant::now();
        let changed = (now, meter.consumed());
        Self { connection: Connection::new(address), meter, deliveries: None, changed, sampled_at: now }
    }

    /// Reads the counters and the meter.
    ///
    /// # Errors
    /// [`BenchError::Answer`] if the shop does not answer.
    pub(crate) async fn sample(&mut self) -> Result<(), BenchError> {
        let page = self.connection.get_text("/metrics").await?;
        let deliveries = deliveries_done(&String::from_utf8_lossy(&page));
        self.meter.read();
        self.sampled_at = Instant::now();
        if deliveries != self.deliveries {
            self.deliveries = deliveries;
            self.changed = (self.sampled_at, self.meter.consumed());
        }
        Ok(())
    }

    /// Reads also the children that processes have started meanwhile.
    pub(crate) fn find_children(&mut self) {
        self.meter.read_all();
    }

    /// Returns the number of orders whose end analytics has counted.
    ///
    /// # Errors
    /// [`BenchError::Answer`] if the shop does not answer.
    pub(crate) async fn ended(&mut self) -> Result<u64, BenchError> {
        Ok(Summary::read(&mut self.connection).await?.ended())
    }

    /// Returns for how long no order was completed.
    pub(crate) fn quiet_for(&self) -> Duration {
        self.changed.0.elapsed()
    }

    /// Returns when the last order was completed, and what the processes had used then. If this process of the shop does not count
    /// deliveries, it is the time of the last sample.
    pub(crate) fn last_change(self) -> (Instant, Vec<Consumption>) {
        match self.deliveries {
            Some(_) => self.changed,
            None => (self.sampled_at, self.meter.consumed()),
        }
    }
}

/// Returns the sum of the deliveries that complete orders, from a page of metrics; `None` if it has none.
fn deliveries_done(page: &str) -> Option<u64> {
    let counts = page
        .lines()
        .filter_map(|line| line.strip_prefix(DELIVERIES))
        .filter(|line| line.contains(DONE) && LAST_CONSUMERS.iter().any(|consumer| line.contains(consumer)));
    let values: Vec<u64> = counts.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deliveries_that_complete_an_order_count() {
        let page = "# TYPE deliveries_total counter\n\
            deliveries_total{consumer=\"analytics\",outcome=\"done\"} 20\n\
            deliveries_total{consumer=\"analytics\",outcome=\"retried\"} 7\n\
            deliveries_total{outcome=\"done\",consumer=\"notification\"} 10\n\
            deliveries_total{consumer=\"payment\",outcome=\"done\"} 10\n";
        assert_eq!(deliveries_done(page), Some(30));
        assert_eq!(deliveries_done("http_requests_total 5\n"), None);
    }

    #[test]
    fn pending_orders_have_not_ended() {
        let text = r#"{"total_orders":9,"by_status":{"pending":2,"confirmed":4,"rejected":2,"cancelled":1},
            "revenue":{"amount":1,"currency":"EUR"}}"#;
        let summary: Summary = serde_json::from_str(text).unwrap();
        assert_eq!((summary.ended(), summary.currency()), (7, "EUR"));
    }
}
