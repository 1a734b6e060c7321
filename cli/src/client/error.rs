//! What may go wrong in a client command.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use crate::client::Problem;

/// Why a client command failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Values that go together do not.
    #[error("{0}")]
    Usage(String),
    /// The token cannot be sent. It is not shown.
    #[error("the token holds characters that no HTTP header can carry")]
    Token,
    /// The HTTP client cannot be made.
    #[error("cannot prepare HTTPS connections")]
    Setup(#[source] reqwest::Error),
    /// Nothing answers there.
    #[error("cannot reach {url}: is it running? start it with `orderflow up`")]
    Unreachable {
        /// Where.
        url: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The connection stood, and then no whole answer came: what was asked for may have been done.
    #[error("{url} gave no whole answer")]
    NoResponse {
        /// Where.
        url: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// What answers is not Orderflow, or a part of it that this program does not know.
    #[error("{url} answered {status}, but not as Orderflow does: {excerpt}")]
    UnexpectedResponse {
        /// Where.
        url: String,
        /// The status of the answer.
        status: StatusCode,
        /// The beginning of the answer, or what is missing in it.
        excerpt: String,
    },
    /// The system says of itself that it does not work.
    #[error("the system is {0}")]
    Unhealthy(String),
    /// The order did not end in the time given.
    #[error("order {id} is still {status} after {} s", waited.as_secs_f64())]
    StillOpen {
        /// The order.
        id: String,
        /// Where it stood at last.
        status: String,
        /// The time given.
        waited: Duration,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl ClientError {
    /// The exit code that stands for it: 2 for wrong usage, 0 where only the reader left, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ if self.is_closed_output() => 0,
            _ => 1,
        }
    }

    /// Whether nobody reads the output any more, as in `orderflow order list | head -1`: nothing is left to be done.
    #[must_use]
    pub fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether the request may have been carried out all the same.
    #[must_use]
    pub fn leaves_the_outcome_open(&self) -> bool {
        match self {
            Self::NoResponse { .. } => true,
            Self::Problem(problem) => problem.status >= 500,
            Self::UnexpectedResponse { status, .. } => status.is_success() || status.is_server_error(),
            _ => false,
        }
    }

    /// The message with what lies at its root and, where there is one, the way out.
    #[must_use]
    pub fn report(&self) -> String {
        let mut report = self.to_string();
        if let Some(root) = root_cause(self) {
            report.push_str(&format!("\n  cause: {root}"));
        }
        if matches!(self, Self::Problem(problem) if problem.status == 401) {
            report.push_str("\n  give a token with --token or ORDERFLOW_TOKEN");
        }
        report
    }
}

fn root_cause(error: &dyn Error) -> Option<&dyn Error> {
    std::iter::successors(error.source(), |&cause| cause.source()).last()
}
