//! Takes a report each second while reports are read, and keeps the last ones.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_http::HealthSources;
use orderflow_messaging::QueueAdmin;
use orderflow_telemetry::MetricsPage;
use tokio::sync::watch;
use tokio::time::Instant;

use super::order_feed::OrderFeed;
use super::snapshot::LiveSnapshot;

/// The time between two reports.
const INTERVAL: Duration = Duration::from_secs(1);

/// The reports that a reader which was away gets: of the last minute.
const KEPT: usize = 60;

/// The time without a reader after which no more reports are taken.
const UNREAD_MAX: Duration = Duration::from_secs(60);

/// A report and its number.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub number: u64,
    pub json: Arc<str>,
}

/// Takes the reports of a process. Clones share them.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Shared>);

struct Shared {
    health: HealthSources,
    queues: Arc<dyn QueueAdmin>,
    feed: OrderFeed,
    started_at: Timestamp,
    newest: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reports: VecDeque<Report>,
    is_running: bool,
    read_at: Option<Instant>,
}

impl State {
    fn current(&self) -> Option<Arc<str>> {
        self.reports.back().filter(|_| self.is_running).map(|report| report.json.clone())
    }
}

impl Reporter {
    pub(crate) fn new(health: HealthSources, queues: Arc<dyn QueueAdmin>, feed: OrderFeed) -> Self {
        let (newest, _) = watch::channel(0);
        let (started_at, state) = (Timestamp::now(), Mutex::default());
        Self(Arc::new(Shared { health, queues, feed, started_at, newest, state }))
    }

    /// Returns the identity of this process among those that answered before: numbers of reports are compared only within one.
    pub(super) fn epoch(&self) -> i64 {
        self.0.started_at.as_millis()
    }

    /// Waits for reports after number `after` and returns them, oldest first. Of those that are no longer kept it returns none.
    pub(super) async fn next(&self, after: u64) -> Vec<Report> {
        let mut newest = self.0.newest.subscribe();
        self.keep_running();
        // The sender lives as long as `self`.
        let _ = newest.wait_for(|number| *number > after).await;
        self.state().reports.iter().filter(|report| report.number > after).cloned().collect()
    }

    /// Returns the number of the newest report.
    pub(super) fn newest(&self) -> u64 {
        *self.0.newest.borrow()
    }

    /// Notes a reader, and starts the task that takes reports unless it runs.
    fn keep_running(&self) {
        let mut state = self.state();
        state.read_at = Some(Instant::now());
        if !std::mem::replace(&mut state.is_running, true) {
            tokio::spawn(self.clone().run());
        }
    }

    async fn run(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.ends_unread() {
                return;
            }
            self.report().await;
        }
    }

    /// Notes the end of the task if no report was read for long.
    fn ends_unread(&self) -> bool {
        let mut state = self.state();
        let is_unread = state.read_at.is_none_or(|read_at| read_at.elapsed() > UNREAD_MAX);
        state.is_running = !is_unread;
        is_unread
    }

    /// Returns the newest report if the task runs, otherwise a new one.
    pub(super) async fn current(&self) -> Arc<str> {
        let kept = { self.state().current() };
        match kept {
            Some(json) => json,
            None => self.json().await,
        }
    }

    async fn report(&self) {
        let json = self.json().await;
        let number = self.newest() + 1;
        self.keep(Report { number, json });
        self.0.newest.send_replace(number);
    }

    async fn json(&self) -> Arc<str> {
        let json = serde_json::to_string(&self.snapshot().await);
        json.expect("the keys of its maps are texts, and its numbers are finite").into()
    }

    fn keep(&self, report: Report) {
        let mut state = self.state();
        if state.reports.len() == KEPT {
            state.reports.pop_front();
        }
        state.reports.push_back(report);
    }

    async fn snapshot(&self) -> LiveSnapshot {
        let Shared { health, queues, feed, started_at, .. } = &*self.0;
        let (health, queues) = tokio::join!(health.report(), queues.queues());
        let changes = feed.take();
        LiveSnapshot {
            time: Timestamp::now(),
            started_at: *started_at,
            health,
            queues: queues.unwrap_or_default(),
            orders: changes.counts,
            handled: handled(&MetricsPage::install().render()),
            latency_ms: changes.latency,
            changed: changes.changed,
            changes: changes.changes,
            left_out: changes.left_out,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the messages that each consumer handled, from the metrics of the process.
fn handled(page: &str) -> BTreeMap<String, u64> {
    let counted = page.lines().filter_map(|line| {
        let (consumer, rest) = line.strip_prefix("deliveries_total{consumer=\"")?.split_once('"')?;
        let count = rest.strip_prefix(",outcome=\"done\"} ")?.parse().ok()?;
        Some((consumer.to_owned(), count))
    });
    counted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handled_messages_are_read_from_the_metrics() {
        let page = "orders_created_total 2\n\
                    deliveries_total{consumer=\"payment\",outcome=\"done\"} 31\n\
                    deliveries_total{consumer=\"payment\",outcome=\"retried\"} 4\n\
                    deliveries_total{consumer=\"analytics\",outcome=\"done\"} 7\n";
        assert_eq!(handled(page), BTreeMap::from([("analytics".to_owned(), 7), ("payment".to_owned(), 31)]));
    }
}
