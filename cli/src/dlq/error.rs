//! What may go wrong with dead letters.

use std::fmt;
use std::io;
use std::path::PathBuf;

use orderflow_messaging::AdminError;

use crate::client::ClientError;

/// Why a command on dead letters failed.
#[derive(Debug, thiserror::Error)]
pub enum DlqError {
    /// What may befall every client command.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The queues did not answer, or not as they were asked.
    #[error("{0}")]
    Queues(String),
    /// What is said about the broker cannot be used.
    #[error("{0}")]
    Broker(String),
    /// There are no such dead letters.
    #[error("there is no dead letter {} of {consumer}", ids.join(", "))]
    Missing {
        /// Whose they would be.
        consumer: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// The edited event was not put back; the dead letter is as it was.
    #[error("{reason}\n  the dead letter is as it was{}", Kept(kept.as_ref()))]
    NotPutBack {
        /// Why.
        reason: String,
        /// Where the edited text is, if anything was edited.
        kept: Option<PathBuf>,
    },
    /// The person said no.
    #[error("nothing was deleted")]
    Declined,
}

impl From<AdminError> for DlqError {
    fn from(AdminError(reason): AdminError) -> Self {
        Self::Queues(reason)
    }
}

impl From<io::Error> for DlqError {
    fn from(error: io::Error) -> Self {
        Self::Client(error.into())
    }
}

struct Kept<'a>(Option<&'a PathBuf>);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, "; the edited text is kept in {}", path.display()),
            None => Ok(()),
        }
    }
}
