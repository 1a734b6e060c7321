//! A store in this process, over SQLite: a backend of the store's port with DynamoDB's rules.
//!
//! One thread writes, in groups: requests that arrive while a commit is under way share the next one, and each has an outcome of its own. Readers
//! have connections of their own, and see every write that was answered before.
//!
//! # What differs from DynamoDB on AWS
//! - Conflicts between transactions, throttling and server errors never occur by themselves; a failure of the disk is an `InternalServerError`.
//! - Reads of indexes are consistent.
//! - A stream has one shard and keeps its records until they are trimmed. Reading after a deleted record starts at the oldest remaining one.
//! - All keys are texts.

mod backend;
mod catalog;
mod clock;
mod damage;
mod directory;
mod encoding;
mod engine;
mod error;
mod evaluate;
mod format;
mod items;
mod location;
mod log;
mod number;
mod outline;
mod prepare;
mod queue;
mod read;
mod read_only;
mod readers;
mod records;
mod refusal;
mod remnants;
mod request;
mod tables;
mod writer;

pub use clock::Clock;
pub use engine::{Engine, Options, SyncMode, TableDescription};
pub use error::EngineError;
pub use format::{FORMAT, OLDEST_FORMAT};
pub use location::Location;
