//! Errors of servers that a test started.

use std::process::ExitStatus;
use std::time::Duration;

/// The result of working with a test's server.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a test's server. Each message can be read alone; one about a server that did not start ends with its log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a port, folder or process.
    #[error("{what}")]
    System {
        /// The operation that failed.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The server's program is not installed.
    #[error("{server} is not installed; `cargo xtask tools` installs it")]
    NotInstalled {
        /// The server.
        server: String,
    },
    /// The server ended before it was ready.
    #[error("{server} ended with {status} before it was ready; its output:\n{output}")]
    Exited {
        /// The server.
        server: String,
        /// Its exit status.
        status: ExitStatus,
        /// Its output.
        output: String,
    },
    /// The server is running but was not ready in time.
    #[error("{server} was not ready within {patience:?}; its output:\n{output}")]
    NotReady {
        /// The server.
        server: String,
        /// The time limit.
        patience: Duration,
        /// Its output.
        output: String,
    },
    /// The server was asked to end and still ran after the time limit.
    #[error("{server} did not end within {patience:?}; its output:\n{output}")]
    NotStopped {
        /// The server.
        server: String,
        /// The time limit.
        patience: Duration,
        /// Its output.
        output: String,
    },
    /// All virtual hosts of a node are in use.
    #[error("the node was started with {started_with} virtual hosts, and all are in use")]
    NoVirtualHostLeft {
        /// The number of virtual hosts.
        started_with: usize,
    },
    /// A request got no response.
    #[error("no response from {server}; its output:\n{output}")]
    Unanswered {
        /// The server.
        server: String,
        /// The error of the request.
        source: reqwest::Error,
        /// Its output.
        output: String,
    },
    /// A response that is not JSON, such as the emulator's message that a function timed out.
    #[error("the response of {server} ({status}) is not JSON: {body}")]
    NotJson {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// The body of the response.
        body: String,
    },
    /// The function returned an error, panicked or ended.
    #[error("the function failed with {error_type}: {message}")]
    Function {
        /// `errorType`, as Lambda reports it.
        error_type: String,
        /// `errorMessage`.
        message: String,
    },
}

impl Error {
    /// Returns a conversion that adds the failed operation to an error of the operating system.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
