//! Why logging could not be set up.

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter of spans cannot be built.
    #[error("the exporter of spans cannot be built: {0}")]
    Exporter(String),
    /// This process already has a global subscriber.
    #[error("logging is already set up in this process")]
    AlreadyInitialised,
}
