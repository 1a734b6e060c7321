//! Errors of the broker.

use super::refusal::{Refusal, to_work};

/// A request to the broker failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RabbitError {
    /// The broker cannot be connected to.
    #[error("the broker at {broker} cannot be reached: {reason}")]
    Unreachable {
        /// Host, port and virtual host, without credentials.
        broker: String,
        /// The reason.
        reason: String,
    },
    /// An exchange or queue of that name exists with other arguments.
    #[error(
        "{name} exists on the broker with other arguments than this program declares ({reason}). It was not changed. Empty \
         and delete it (rabbitmqctl delete_queue {name}, or in the management UI), or use another virtual host"
    )]
    Mismatch {
        /// The queue or exchange.
        name: String,
        /// The broker's message.
        reason: String,
    },
    /// An exchange or queue does not exist.
    #[error("{name} does not exist on the broker")]
    Missing {
        /// The queue or exchange.
        name: String,
    },
    /// The account lacks a permission.
    #[error(
        "the account lacks the permission {0}; give it with `rabbitmqctl set_permissions` (docs/guides/rabbitmq.md lists what is needed)"
    )]
    Refused(Refusal),
    /// Something is missing on the broker, and the account may not declare it.
    #[error(
        "{missing} missing on the broker, and the account may not declare: it lacks {lacking}; give it these permissions with \
         `rabbitmqctl set_permissions`, or start once with an account that has them (docs/guides/rabbitmq.md lists what is needed)"
    )]
    Forbidden {
        /// The permissions that the account lacks.
        lacking: String,
        /// What is missing.
        missing: String,
    },
    /// A channel or connection was closed by an error.
    #[error("the channel to the broker was closed: {0}")]
    Broken(String),
    /// The broker did not confirm a message.
    #[error("the broker did not confirm a message for {0}")]
    Unconfirmed(String),
}

impl From<lapin::Error> for RabbitError {
    fn from(error: lapin::Error) -> Self {
        match Refusal::of(&error, to_work) {
            Some(refusal) => Self::Refused(refusal),
            None => Self::Broken(error.to_string()),
        }
    }
}
