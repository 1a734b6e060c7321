//! The state of a connection, what is logged about it, and the pauses between the attempts to open it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::Connection;
use orderflow_backoff::Backoff;
use tokio::time::Instant;

use super::RabbitError;

/// The pauses after an attempt failed. All callers share them, so that a broker that is away is not tried by each consumer.
const RECONNECT: Backoff = Backoff::from_millis(250, 500, 5_000);

/// The time after which a process that has never reached the broker reports again that it waits for it. Attempts are up to five seconds apart.
const WAITING_AGAIN: Duration = Duration::from_secs(8);

/// The time after an outage in which connections that notice their loss late are no news.
const LATE: Duration = Duration::from_secs(60);

/// What a process has logged about its broker. Its connections share it, so that each change of state is one line.
#[derive(Default)]
pub(super) struct BrokerState(Mutex<Reported>);

#[derive(Default)]
struct Reported {
    /// The begin of the present outage, and when it was last reported.
    down: Option<(Instant, Instant)>,
    was_up: bool,
    last_end: Option<Instant>,
}

impl BrokerState {
    fn down(&self, broker: &str, reason: &str) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match reported.down {
            None => {
                reported.down = Some((now, now));
                tracing::warn!(broker, error = reason, "broker cannot be reached; connecting is retried");
            }
            Some((since, last)) if !reported.was_up && now - last >= WAITING_AGAIN => {
                reported.down = Some((since, now));
                tracing::warn!(
                    broker,
                    error = reason,
                    "broker still cannot be reached; connecting is retried"
                );
            }
            Some(_) => {}
        }
    }

    fn up(&self, broker: &str, was_lost: bool) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = reported.down.take().map(|(since, _)| since.elapsed());
        let is_late = reported.last_end.is_some_and(|end| end.elapsed() < LATE);
        match ended {
            Some(outage) => {
                reported.last_end = Some(Instant::now());
                let outage_ms = outage.as_millis();
                tracing::info!(broker, outage_ms, "connected to the broker");
            }
            None if !reported.was_up => tracing::info!(broker, "connected to the broker"),
            None if was_lost && !is_late => {
                tracing::warn!(broker, "connection to the broker was lost and is open again");
            }
            None => tracing::debug!(broker, "connected to the broker"),
        }
        reported.was_up = true;
    }
}

/// Whether exchange and queues were declared before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existed {
    Before,
    Unknown,
}

/// A connection or the last failure to open it.
#[derive(Default)]
pub(super) struct Link {
    connection: Option<Arc<Connection>>,
    /// Consecutive failures.
    failures: u32,
    last: Option<Failure>,
    was_lost: bool,
    state: Arc<BrokerState>,
}

struct Failure {
    error: RabbitError,
    next_attempt: Instant,
}

impl Link {
    /// Returns a link that shares what is logged.
    pub(super) fn sharing(state: &Arc<BrokerState>) -> Self {
        Self { state: state.clone(), ..Self::default() }
    }

    /// Returns the connection if it is open.
    pub(super) fn connection(&self) -> Option<&Arc<Connection>> {
        self.connection.as_ref().filter(|connection| connection.status().connected())
    }

    /// Returns whether a connection was open before, over which everything was declared.
    pub(super) fn was_lost(&self) -> Existed {
        if self.was_lost { Existed::Before } else { Existed::Unknown }
    }

    /// Returns the last failure while the next attempt is not due.
    pub(super) fn pause(&self) -> Option<RabbitError> {
        let last = self.last.as_ref().filter(|last| Instant::now() < last.next_attempt);
        last.map(|last| last.error.clone())
    }

    /// Drops a connection that broke.
    pub(super) fn drop_broken(&mut self) {
        self.was_lost |= self.connection.take().is_some();
    }

    /// Notes a failure, and pauses before the next attempt. Returns it.
    pub(super) fn failed(&mut self, error: RabbitError) -> RabbitError {
        self.failures = self.failures.saturating_add(1);
        let next_attempt = Instant::now() + RECONNECT.delay(self.failures);
        if let RabbitError::Unreachable { broker, reason } = &error {
            self.state.down(broker, reason);
        }
        self.last = Some(Failure { error: error.clone(), next_attempt });
        error
    }

    pub(super) fn succeeded(&mut self) {
        (self.failures, self.last) = (0, None);
    }

    pub(super) fn hold(&mut self, broker: &str, connection: Connection) {
        self.connection = Some(Arc::new(connection));
        self.state.up(broker, std::mem::take(&mut self.was_lost));
    }

    pub(super) fn take(&mut self) -> Option<Arc<Connection>> {
        self.connection.take()
    }
}
