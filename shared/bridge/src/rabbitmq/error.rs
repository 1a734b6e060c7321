//! What can go wrong with the broker.

/// The broker did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RabbitError {
    /// No connection.
    #[error("the broker at {broker} cannot be reached: {reason}")]
    Unreachable {
        /// Host, port and virtual host, without credentials.
        broker: String,
        /// Why.
        reason: String,
    },
    /// Something of that name exists and is made differently.
    #[error(
        "{name} exists on the broker with other arguments than it needs ({reason}). Nothing was changed. Empty it and \
         delete it (rabbitmqctl delete_queue {name}, or in the management UI), or use another virtual host"
    )]
    Mismatch {
        /// The queue or exchange.
        name: String,
        /// What the broker said.
        reason: String,
    },
    /// A channel or connection broke.
    #[error("the broker's channel broke: {0}")]
    Broken(String),
    /// The broker did not take a message over.
    #[error("the broker did not confirm a message for {0}")]
    Unconfirmed(String),
}

impl From<lapin::Error> for RabbitError {
    fn from(error: lapin::Error) -> Self {
        Self::Broken(error.to_string())
    }
}
