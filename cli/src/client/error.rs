//! Errors of the client commands: messages and exit codes.

use std::error::Error;
use std::io;
use std::time::Duration;

use orderflow_settings::{EXIT_CODE, SettingsError};
use reqwest::StatusCode;

use crate::client::Problem;

/// Why a client command failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The values of the flags do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The token cannot be sent as a header. The message does not show it.
    #[error("--token: the token contains characters that an HTTP header cannot carry")]
    Token,
    /// The HTTP client cannot be set up.
    #[error("cannot set up TLS")]
    Setup(#[source] reqwest::Error),
    /// No connection could be made.
    #[error("cannot reach {url}: is it running? start it with `orderflow up`")]
    Unreachable {
        /// The base URL.
        url: String,
        /// The error of the connection.
        source: reqwest::Error,
    },
    /// The connection was made, but the response did not arrive whole: the request may have been carried out.
    #[error("{url} closed the connection or timed out before a whole response arrived")]
    NoResponse {
        /// The base URL.
        url: String,
        /// The error of the connection.
        source: reqwest::Error,
    },
    /// The server refused the request.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// There is no such member of a collection.
    #[error("no {kind} {id} (404 not-found)")]
    Missing {
        /// What it would be, such as an order.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The system accepts no faults.
    #[error("this system accepts no faults: only `orderflow up` on a loopback address does")]
    NoFaults,
    /// The response is not one of Orderflow, or of a version of it that this program does not know.
    #[error("{url} answered with status {status} and a body that is not Orderflow's; check --url: {excerpt}")]
    UnexpectedResponse {
        /// The base URL.
        url: String,
        /// The status of the response.
        status: StatusCode,
        /// The beginning of the body, or what is missing in it.
        excerpt: String,
    },
    /// The system reports that it is unhealthy.
    #[error("the system is {0}")]
    Unhealthy(String),
    /// The system works in part.
    #[error("the system is degraded")]
    Degraded,
    /// The system cannot answer requests.
    #[error("the system is not ready")]
    NotReady,
    /// The order has no final status after the time limit.
    #[error("order {id} is still {status} after {} s", waited.as_secs_f64())]
    StillUndecided {
        /// The id of the order.
        id: String,
        /// Its last known status.
        status: String,
        /// The time limit.
        waited: Duration,
    },
    /// The user did not confirm.
    #[error("not confirmed; nothing was changed")]
    Declined,
    /// The output could not be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl ClientError {
    /// Returns the exit code: 2 for wrong usage, 3 for a system that works in part, 0 if the reader of the output closed it, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Settings(_) => EXIT_CODE,
            Self::Degraded => 3,
            _ if self.is_closed_output() => 0,
            _ => 1,
        }
    }

    /// Returns whether the reader of the output closed it, as in `orderflow order list | head -1`, which is not a failure.
    #[must_use]
    pub fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Returns whether the request may have been carried out although it failed.
    #[must_use]
    pub fn leaves_the_outcome_open(&self) -> bool {
        match self {
            Self::NoResponse { .. } => true,
            Self::Problem(problem) => problem.status >= 500,
            Self::UnexpectedResponse { status, .. } => status.is_success() || status.is_server_error(),
            _ => false,
        }
    }

    /// Returns whether the same request may succeed when the server, or a proxy in front of it, has started again.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoResponse { .. } => true,
            Self::Problem(problem) => is_overload(problem.status),
            Self::UnexpectedResponse { status, .. } => is_overload(status.as_u16()),
            _ => false,
        }
    }

    /// Returns the message with its root cause and, if there is one, what to do next.
    #[must_use]
    pub fn report(&self) -> String {
        let mut report = self.to_string();
        if let Some(root) = root_cause(self) {
            report.push_str(&format!("\n  cause: {root}"));
        }
        if matches!(self, Self::Problem(problem) if problem.status == 401) {
            report.push_str("\n  set a token with --token or ORDERFLOW_TOKEN");
        }
        report
    }
}

fn root_cause(error: &dyn Error) -> Option<&dyn Error> {
    std::iter::successors(error.source(), |&cause| cause.source()).last()
}

/// Returns whether the status says that a server, or a proxy in front of it, is overloaded or starting.
pub(crate) fn is_overload(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}
