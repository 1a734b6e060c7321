//! Why logging could not be set up.

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter of spans cannot be built.
    #[error("the exporter of spans cannot be built: {0}")]
    Exporter(String),
    /// The thread that writes the log cannot be started.
    #[error("the thread that writes the log cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    /// This process already has a global subscriber.
    #[error("logging is already set up in this process")]
    AlreadyInitialised,
}
