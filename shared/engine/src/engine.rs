//! The handle to a database.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orderflow_store_port::{StoreError, Write};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::catalog::{Catalog, Index};
use crate::clock::Clock;
use crate::directory::DATABASE_FILE;
use crate::location::Claimed;
use crate::queue::{self, Entry, Queue};
use crate::readers::Readers;
use crate::records::SHARD;
use crate::request::{Outcome, Request, StorageError};
use crate::writer::Writer;
use crate::{EngineError, Location, format, outline};

/// What an answered write survives. A database in memory survives nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// A power cut: each commit is flushed to the disk before its requests are answered.
    #[default]
    Full,
    /// The death of the process, even by `kill -9`. A power cut may cost the last commits: always the newest ones, never part of a commit.
    Normal,
}

/// The log is copied into the database when it has 4,000 pages (16 MiB): pages that many commits change are copied once then. The file of the log
/// stays as large, to be written again from its start.
const WRITER_PRAGMAS: &str = "
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 33554432;
    PRAGMA cache_size = -8192;
    PRAGMA temp_store = MEMORY;";

/// How to open a database.
#[derive(Clone)]
pub struct Options {
    /// Where the data is.
    pub location: Location,
    /// What an answered write survives.
    pub sync: SyncMode,
    /// The clock.
    pub clock: Clock,
}

impl Options {
    /// Returns the options of a database with the system's clock that survives power cuts.
    #[must_use]
    pub fn new(location: Location) -> Self {
        Self { location, sync: SyncMode::default(), clock: Arc::new(SystemTime::now) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location, sync, clock: _ } = self;
        f.debug_struct("Options").field("location", location).field("sync", sync).finish_non_exhaustive()
    }
}

/// The definition of a table that the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDescription {
    /// The partition key.
    pub hash: String,
    /// The sort key, if it has one.
    pub range: Option<String>,
    /// The name, the partition key and the sort key of each index.
    pub indexes: Vec<(String, String, String)>,
    /// The id of the one shard of its stream, if it has a stream.
    pub stream_shard: Option<&'static str>,
    /// When it was created.
    pub created_at: SystemTime,
}

/// A database in this process. Clones and what they opened share it; it is closed when the last of them is dropped.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The open database.
pub(crate) struct Inner {
    pub(crate) catalog: Arc<Catalog>,
    place: Place,
}

/// How the data is reached.
enum Place {
    /// One connection, which each request uses on its own thread.
    Memory(Mutex<Writer>),
    Directory(Directory),
}

/// The connections to a database in a directory.
struct Directory {
    queue: Arc<Queue>,
    readers: Readers,
    writer: Option<JoinHandle<()>>,
    _claimed: Claimed,
}

impl Drop for Directory {
    /// Ends the writer's thread, after what is queued. The lock of the directory is released after it.
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes to the database panicked");
        }
    }
}

impl Engine {
    /// Opens a database, or creates an empty one.
    ///
    /// # Errors
    /// [`EngineError::InUse`] if another process or handle has the directory open; [`EngineError::NewerFormat`], [`EngineError::OlderFormat`],
    /// [`EngineError::ForeignDatabase`] and [`EngineError::Damaged`] if this version cannot read the data, which is then not changed; others if
    /// the directory cannot be used.
    pub fn open(options: Options) -> Result<Self, EngineError> {
        let catalog = Arc::new(Catalog::default());
        let Options { location, sync, clock } = options;
        let place = match location {
            Location::Memory => {
                let mut connection = Connection::open_in_memory()?;
                connection.execute_batch("PRAGMA temp_store = MEMORY")?;
                format::prepare(&mut connection)?;
                Place::Memory(Mutex::new(Writer::new(connection, Arc::clone(&catalog), clock)?))
            }
            Location::Directory(path) => {
                Place::Directory(open_directory(&path, sync, Arc::clone(&catalog), clock)?)
            }
        };
        Ok(Self { inner: Arc::new(Inner { catalog, place }) })
    }

    /// Opens a copy in memory of the definitions of a directory's tables. Of their items it has only these, each given by the full name of its
    /// table and its partition key, which is the whole key. Changes nothing in the directory, and works while another process has it open, and
    /// without the permission to write. What is written to the copy is lost. Returns `None` if there is no data that this version can read.
    ///
    /// # Errors
    /// [`EngineError`] if the data cannot be read, or a newer version wrote it.
    pub fn outline(directory: &Path, items: &[(&str, &str)]) -> Result<Option<Self>, EngineError> {
        let database = directory.join(DATABASE_FILE);
        match format::found_in(directory)? {
            None => return Ok(None),
            Some(found) => match format::check(&database, found) {
                Err(EngineError::OlderFormat { .. }) => return Ok(None),
                checked => checked?,
            },
        }
        let engine = Self::open(Options::new(Location::Memory))?;
        if let Place::Memory(writer) = &engine.inner.place {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            outline::copy(&database, &writer.connection, items)?;
            writer.reload()?;
        }
        Ok(Some(engine))
    }

    /// Returns the definition of a table, or `None` if it does not exist.
    #[must_use]
    pub fn describe(&self, name: &str) -> Option<TableDescription> {
        let table = self.inner.catalog.get(name)?;
        let index = |index: &Index| (index.name.clone(), index.hash.clone(), index.range.clone());
        Some(TableDescription {
            hash: table.hash.clone(),
            range: table.range.clone(),
            indexes: table.indexes.iter().map(index).collect(),
            stream_shard: table.streams.then_some(SHARD),
            created_at: UNIX_EPOCH + Duration::from_millis(table.created_at_ms),
        })
    }

    /// Writes to the database, to check that it takes writes. Nothing that a table holds changes.
    ///
    /// # Errors
    /// [`StoreError`] if the write fails, because the disk is full for example.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let probed = self.inner.run(|writer| Ok(format::probe(&writer.connection)?)).await;
        probed.map_err(|error| internal("Probe", "", &error))
    }
}

fn open_directory(
    path: &Path,
    sync: SyncMode,
    catalog: Arc<Catalog>,
    clock: Clock,
) -> Result<Directory, EngineError> {
    let claimed = Claimed::take(path)?;
    let mut connection = Connection::open(&claimed.database)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let level = match sync {
        SyncMode::Full => "FULL",
        SyncMode::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", level)?;
    connection.execute_batch(WRITER_PRAGMAS)?;
    format::prepare(&mut connection)?;
    let writer = Writer::new(connection, catalog, clock)?;
    claimed.record_data()?;
    let queue = Arc::new(Queue::default());
    let theirs = Arc::clone(&queue);
    let thread = std::thread::Builder::new().name("store-writer".to_owned());
    let writer = thread.spawn(move || queue::run(&theirs, writer)).map_err(EngineError::Thread)?;
    Ok(Directory { queue, readers: Readers::new(&claimed.database), writer: Some(writer), _claimed: claimed })
}

impl Inner {
    /// Reads on the calling thread: a read takes some microseconds, less than handing it to another thread would.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match &self.place {
            Place::Memory(writer) => read(&writer.lock().unwrap_or_else(PoisonError::into_inner).connection),
            Place::Directory(directory) => directory.readers.read(read),
        }
    }

    /// Carries out a request, together with others that wait at the same time.
    pub(crate) async fn commit(&self, request: Request) -> Result<Outcome, StorageError> {
        match &self.place {
            Place::Memory(writer) => {
                let mut outcomes =
                    writer.lock().unwrap_or_else(PoisonError::into_inner).commit(&[&request])?;
                outcomes.pop().ok_or_else(|| StorageError::new("a request has no outcome"))
            }
            Place::Directory(directory) => {
                let (answer, answered) = oneshot::channel();
                directory.queue.push(Entry::Request { request, answer });
                answered.await.unwrap_or_else(|_| Err(ended()))
            }
        }
    }

    /// Runs work that has transactions of its own on the writer's connection.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        match &self.place {
            Place::Memory(writer) => work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner)),
            Place::Directory(directory) => {
                let (answer, answered) = oneshot::channel();
                let task = move |writer: &mut Writer| drop(answer.send(work(writer)));
                directory.queue.push(Entry::Task(Box::new(task)));
                answered.await.unwrap_or_else(|_| Err(ended()))
            }
        }
    }
}

fn ended() -> StorageError {
    StorageError::new("the thread that writes to the database has ended")
}

/// Returns the error of a request that the database failed to carry out.
pub(crate) fn internal(operation: &'static str, table: &str, error: &StorageError) -> StoreError {
    StoreError::Request {
        operation,
        table: table.to_owned(),
        code: "InternalServerError".to_owned(),
        message: error.to_string(),
    }
}

/// Returns the names of the tables of writes, each once.
pub(crate) fn table_names(writes: &[Write]) -> String {
    let mut names: Vec<&str> = writes.iter().map(|write| &*write.table.name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
