//! The state of a connection, and the pauses between the attempts to open it.

use lapin::Connection;
use orderflow_backoff::Backoff;
use tokio::time::Instant;

/// The pauses after an attempt failed. All callers share them, so that a broker that is away is not tried by each consumer.
const RECONNECT: Backoff = Backoff::from_millis(250, 500, 5_000);

/// A connection or the last failure to open it. It logs each change of state once.
#[derive(Default)]
pub(super) struct Link {
    connection: Option<Connection>,
    /// Consecutive failures.
    failures: u32,
    last: Option<Failure>,
    is_reported: bool,
}

struct Failure {
    reason: String,
    next_attempt: Instant,
}

impl Link {
    /// Returns the connection if it is open.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref().filter(|connection| connection.status().connected())
    }

    /// Returns the reason of the last failure while the next attempt is not due.
    pub(super) fn pause(&self) -> Option<String> {
        let last = self.last.as_ref().filter(|last| Instant::now() < last.next_attempt);
        last.map(|last| last.reason.clone())
    }

    /// Logs that the connection broke, if there was one.
    pub(super) fn report_loss(&mut self, broker: &str) {
        if self.connection.take().is_some() {
            tracing::warn!(broker, "connection to the broker is lost; connecting again");
            self.is_reported = true;
        }
    }

    pub(super) fn failed(&mut self, broker: &str, reason: &str) {
        self.failures = self.failures.saturating_add(1);
        let next_attempt = Instant::now() + RECONNECT.delay(self.failures);
        self.last = Some(Failure { reason: reason.to_owned(), next_attempt });
        if !std::mem::replace(&mut self.is_reported, true) {
            tracing::warn!(broker, error = reason, "broker cannot be reached; connecting is retried");
        }
    }

    pub(super) fn succeeded(&mut self) {
        (self.failures, self.last) = (0, None);
    }

    pub(super) fn hold(&mut self, connection: Connection) {
        (self.connection, self.is_reported) = (Some(connection), false);
    }

    pub(super) fn take(&mut self) -> Option<Connection> {
        self.connection.take()
    }
}
