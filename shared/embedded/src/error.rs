//! What can go wrong when a database is opened or trimmed. Requests never answer with these: they get DynamoDB's own
//! error shapes.

use std::path::PathBuf;

use dynoxide::DynoxideError;

use crate::schema::ENGINE_VERSION;

/// Why an embedded database could not be opened or maintained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The data directory or its lock file cannot be created or opened.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The directory or file in question.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The path of the data directory is not valid UTF-8, which the engine requires.
    #[error("the data directory {} has a name that is not UTF-8", .0.display())]
    NotUtf8(PathBuf),

    /// Another process, or another handle of this one, has the directory open.
    #[error(
        "the data directory {} is in use by another process: stop that one, or choose another directory",
        .0.display()
    )]
    InUse(PathBuf),

    /// The directory was written by a newer version of this program. It was left as it is.
    #[error(
        "the data directory has format {found}, and this program knows formats up to {supported}: \
         upgrade the program, or start with another directory"
    )]
    NewerDataDirectory {
        /// The format the directory records.
        found: u32,
        /// The newest format this program reads and writes.
        supported: u32,
    },

    /// The database file holds tables, but no record of this program having made them. It was left as it is.
    #[error(
        "the database in the data directory was not made by this program: move it away or choose another directory"
    )]
    ForeignDatabase,

    /// The recorded format of the data directory is not a number.
    #[error("the data directory records the format {0:?}, which is not a number: the file is damaged")]
    InvalidSchemaVersion(String),

    /// The engine keeps its stream records otherwise than this crate expects: the pinned version was changed without
    /// adapting the maintenance of the stream.
    #[error(
        "table _stream_records has no column {column:?} of type {expected}: \
         the stream maintenance was written for dynoxide-rs {ENGINE_VERSION}"
    )]
    UnexpectedSchema {
        /// The column that is missing or has another type.
        column: &'static str,
        /// The type it should have.
        expected: &'static str,
    },

    /// SQLite refused to open, read or change the database.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),

    /// The engine refused; for [`crate::Embedded::trim_stream`] also when the table has no stream or the sequence
    /// number is not one.
    #[error("the database engine refused: {0}")]
    Engine(#[from] DynoxideError),
}
