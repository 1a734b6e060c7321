//! Why the demo ended early.

use std::time::Duration;

use orderflow_lab::BenchError;
use serde_json::Value;

use crate::client::ClientError;

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// The temporary shop did not start, or ended.
    #[error(transparent)]
    Shop(#[from] BenchError),
    /// A request failed, or the text could not be written.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The mail server of the demo cannot listen.
    #[error("the mail server of the demo cannot listen on a port of 127.0.0.1: {0}")]
    Mail(#[source] std::io::Error),
    /// A step did not end as its text says.
    #[error("not within {} s: {expected}; the last answer was {last}", waited.as_secs())]
    Unexpected {
        /// How it should have ended.
        expected: &'static str,
        /// How long that was waited for.
        waited: Duration,
        /// The last answer of the shop.
        last: Value,
    },
    /// The user stopped the demo.
    #[error("stopped; the temporary shop is deleted")]
    Interrupted,
}

impl From<std::io::Error> for DemoError {
    fn from(error: std::io::Error) -> Self {
        Self::Client(error.into())
    }
}
