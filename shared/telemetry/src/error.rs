//! Why logging could not be set up.

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A setting in the environment has a value that is not understood.
    #[error("{setting}={value} is not understood: {reason}")]
    InvalidSetting {
        /// The name of the environment variable.
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// What was expected instead.
        reason: String,
    },
    /// This process already has a global subscriber.
    #[error("logging is already set up in this process")]
    AlreadyInitialised,
}
