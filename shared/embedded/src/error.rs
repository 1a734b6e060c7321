//! Errors of opening and trimming a database. Requests are answered with DynamoDB's own errors instead.

use dynoxide::DynoxideError;

/// The version of `dynoxide-rs` whose schema the maintenance of streams relies on.
pub(crate) const ENGINE_VERSION: &str = "3.2.0";

/// Why an embedded database could not be opened or maintained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The engine's table of stream records differs from the one that this crate maintains: the engine's version was changed, but not the
    /// maintenance.
    #[error(
        "table _stream_records has no column {column:?} of type {expected}: \
         the maintenance of streams supports dynoxide-rs {ENGINE_VERSION}"
    )]
    UnexpectedSchema {
        /// The column that is missing or has another type.
        column: &'static str,
        /// The type it should have.
        expected: &'static str,
    },

    /// SQLite refused to open, read or change the database.
    #[error("SQLite reports an error")]
    Sqlite(#[from] rusqlite::Error),

    /// The engine refused. [`crate::Embedded::trim_stream`] also returns this if the table has no stream or the sequence number is invalid.
    #[error("the database engine reports an error: {0}")]
    Engine(#[from] DynoxideError),
}
