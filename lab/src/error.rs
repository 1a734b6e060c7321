//! Why a measurement failed.

use std::path::PathBuf;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A flag has a value that cannot be used.
    #[error("{flag}: {reason}")]
    Flag {
        /// The flag, such as `--url`.
        flag: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The temporary shop cannot be started.
    #[error("the temporary shop {what}{}", shown(.log))]
    Shop {
        /// What it did, such as `ended before it listened`.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// The shop does not answer as it should.
    #[error("{request}: {reason}")]
    Answer {
        /// The method and path.
        request: String,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The runtime or the handlers of signals cannot be set up.
    #[error("the load generator cannot start: {0}")]
    Start(#[from] std::io::Error),
}

fn shown(log: &str) -> String {
    if log.trim().is_empty() { String::new() } else { format!("; the end of its log:\n{}", log.trim_end()) }
}

impl BenchError {
    pub(crate) fn flag(flag: &'static str, reason: impl Into<String>) -> Self {
        Self::Flag { flag, reason: reason.into() }
    }

    pub(crate) fn answer(request: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Answer { request: request.into(), reason: reason.into() }
    }
}
