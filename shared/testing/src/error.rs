//! What can go wrong with a server that a test started.

use std::process::ExitStatus;
use std::time::Duration;

/// The result of working with a test's server.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a test's server did not start or did not answer as a test needs it. Each message can be read alone; those about
/// a server that did not come up end with what it logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something: a port, a folder, a process.
    #[error("{what}")]
    System {
        /// What was tried.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The server's program is not on this machine.
    #[error("{server} is not installed; `cargo xtask test --install` installs it")]
    NotInstalled {
        /// The server.
        server: String,
    },
    /// The server ended before it was ready.
    #[error("{server} ended with {status} before it was ready; its output:\n{output}")]
    Exited {
        /// The server.
        server: String,
        /// How it ended.
        status: ExitStatus,
        /// Everything that it wrote.
        output: String,
    },
    /// The server runs but was not ready in time.
    #[error("{server} was not ready within {patience:?}; its output:\n{output}")]
    NotReady {
        /// The server.
        server: String,
        /// How long was waited.
        patience: Duration,
        /// Everything that it wrote.
        output: String,
    },
    /// The server was asked to end and still ran when the time was up.
    #[error("{server} did not end within {patience:?}; its output:\n{output}")]
    NotStopped {
        /// The server.
        server: String,
        /// How long was waited.
        patience: Duration,
        /// Everything that it wrote.
        output: String,
    },
    /// Every virtual host of a node is given out.
    #[error("the node was started with {started_with} virtual hosts, and all are given out")]
    NoVirtualHostLeft {
        /// How many there are.
        started_with: usize,
    },
    /// A request got no answer.
    #[error("no answer from {server}; its output:\n{output}")]
    Unanswered {
        /// The server.
        server: String,
        /// Why the request failed.
        source: reqwest::Error,
        /// Everything that it wrote.
        output: String,
    },
    /// An answer that is no JSON, such as the emulator's note that a function timed out.
    #[error("{server} answered {status} with what is no JSON: {body}")]
    NotJson {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// The answer as it came.
        body: String,
    },
    /// The function itself failed: it returned an error, panicked or ended.
    #[error("the function failed with {error_type}: {message}")]
    Function {
        /// `errorType`, as Lambda reports it.
        error_type: String,
        /// `errorMessage`.
        message: String,
    },
}

impl Error {
    /// Makes an operating system's refusal say what was tried.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
