//! Why there is no bill.

use orderflow_messaging::InvokeError;
use orderflow_outbox_relay::RelayError;
use orderflow_store::{StoreError, StreamError};

use crate::BenchError;

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// A flag or a file cannot be used, or the runtime cannot be started.
    #[error(transparent)]
    Usage(#[from] BenchError),
    /// The embedded store cannot be opened.
    #[error("the embedded store cannot be opened: {0}")]
    Open(String),
    /// The store refused a request.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The relay failed.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A function did not accept its batch.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// A function answered something else than JSON.
    #[error("a function answered with invalid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A request was not answered.
    #[error("a request was not answered: {0}")]
    Http(#[from] axum::Error),
    /// A request cannot be made.
    #[error("a request cannot be made: {0}")]
    Request(#[from] http::Error),
    /// A request was refused.
    #[error("{path} was answered with {status}: {text}")]
    Answer {
        /// The path.
        path: String,
        /// The status of the answer.
        status: u16,
        /// Its body.
        text: String,
    },
    /// A consumer did not process messages.
    #[error("{consumer} did not process {count} messages")]
    NotProcessed {
        /// The consumer.
        consumer: &'static str,
        /// The number of messages.
        count: usize,
    },
    /// Not every order was confirmed, so the figures are not those of confirmed orders.
    #[error("only {confirmed} of {placed} orders were confirmed")]
    NotConfirmed {
        /// The number of orders that were placed.
        placed: usize,
        /// The number of those that were confirmed.
        confirmed: usize,
    },
}
