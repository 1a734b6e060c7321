//! Errors of opening and trimming a database. Requests are answered with DynamoDB's own errors instead.

use std::path::PathBuf;

use dynoxide::DynoxideError;

/// The version of `dynoxide-rs` whose schema the maintenance of streams relies on.
pub(crate) const ENGINE_VERSION: &str = "3.2.0";

/// Why an embedded database could not be opened or maintained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The data directory or its lock file cannot be created or opened.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },

    /// The path of the data directory is not valid UTF-8, which the engine requires.
    #[error("the data directory {} has a name that is not UTF-8", .0.display())]
    NotUtf8(PathBuf),

    /// Another process, or another handle of this one, has the directory open.
    #[error(
        "the data directory {} is in use by another process: stop that process, or use another directory",
        .0.display()
    )]
    InUse(PathBuf),

    /// A newer version of this program wrote the directory. It was not changed.
    #[error(
        "the data directory has format {found}, and this program knows formats up to {supported}: \
         upgrade the program, or use another directory"
    )]
    NewerDataDirectory {
        /// The format the directory records.
        found: u32,
        /// The newest format this program reads and writes.
        supported: u32,
    },

    /// Another program wrote the database file: it has tables, but not the one in which this program records the format. It was not changed.
    #[error(
        "the database in the data directory is not one of this program: move it elsewhere, or use another directory"
    )]
    ForeignDatabase,

    /// The database file is damaged. It was not changed.
    #[error(
        "the database {} is damaged ({finding}): it was not changed; restore it from a backup, or use another directory",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first damage found.
        finding: String,
    },

    /// The write-ahead log of the database is damaged before its end. Nothing was changed.
    #[error(
        "the log {} is damaged: part {frame} of it does not have the right checksum, and {commits} writes after it would be lost; \
         nothing was changed: restore the data directory from a backup, or see the page on troubleshooting for how to go on without these writes",
        path.display()
    )]
    DamagedLog {
        /// The file.
        path: PathBuf,
        /// The number of the first frame that is damaged, counted from 1; 0 if it is the header.
        frame: u64,
        /// The number of commits after it.
        commits: u64,
    },

    /// The recorded format of the data directory is not a number.
    #[error(
        "the data directory records the format {0:?}, which is not a number: the database is damaged, restore it from a backup"
    )]
    InvalidSchemaVersion(String),

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
