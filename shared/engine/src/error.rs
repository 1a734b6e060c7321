//! Errors of opening a database. Requests are answered with the errors of the port instead.

use std::path::{Path, PathBuf};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The data directory or a file in it cannot be created or opened.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },

    /// The path of the data directory is not valid UTF-8, which SQLite requires.
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
    NewerFormat {
        /// The format that the directory records.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },

    /// An earlier version of this program wrote the directory, with another engine. It was not changed.
    #[error(
        "the data directory {} has format {found}, which only earlier versions of this program read, and this one writes format {supported}. \
         It was not changed: settle its orders and export what you need with the version that wrote it, then start this version with another \
         directory",
        path.display()
    )]
    OlderFormat {
        /// The directory.
        path: PathBuf,
        /// The format that the directory records.
        found: u32,
        /// The format that this version writes.
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
    InvalidFormat(String),

    /// SQLite refused to open, read or change the database.
    #[error("SQLite reports an error")]
    Sqlite(#[from] rusqlite::Error),

    /// The thread that writes cannot be started.
    #[error("the thread that writes to the database cannot be started")]
    Thread(#[source] std::io::Error),
}

impl EngineError {
    pub(crate) fn unusable(path: &Path, source: std::io::Error) -> Self {
        Self::Directory { path: path.to_owned(), source }
    }
}
