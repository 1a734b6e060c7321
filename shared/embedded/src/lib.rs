//! DynamoDB inside the process.
//!
//! [`Embedded`] runs the engine `dynoxide`, which stores data in SQLite, behind the AWS SDK for Rust: its clients are the SDK's own, but a
//! function call answers their requests instead of a socket. [`Embedded::router`] serves the same dispatch over HTTP, for processes that use an
//! endpoint URL.
//!
//! # What differs from DynamoDB on AWS
//! - `TransactionConflict`, throttling and server errors never occur by themselves. Tests inject them ([`Embedded::inject`]).
//! - A stream has one shard and keeps its records until [`Embedded::trim_stream`] deletes them. `TrimmedDataAccessException` does not occur:
//!   reading after a deleted record starts at the oldest remaining one.
//! - Items are not deleted when their time to live ends.
//!
//! # What a crash costs
//! A database in a directory uses SQLite's write-ahead log with `synchronous=NORMAL`. If the process is killed, even with `kill -9`, no
//! answered write is lost. A power failure or a crash of the operating system may lose the last commits: always the newest ones, never part of
//! a commit, and items together with their stream records.

mod answer;
mod backend;
mod changes;
mod counts;
mod damage;
mod directory;
mod dispatch;
mod embedded;
mod engine;
mod error;
mod faults;
mod location;
mod log;
mod migrations;
mod operation;
mod outline;
mod read_only;
mod remnants;
mod schema;
mod sdk;
mod server;
mod tables;
mod tokens;

pub use counts::RequestCounts;
pub use embedded::Embedded;
pub use error::EmbeddedError;
pub use faults::{Fault, FaultInjector};
pub use location::Location;
pub use migrations::SCHEMA_VERSION;
pub use remnants::Replacement;
pub use server::{ERASE_REMNANTS, HEALTHY, REPLACE_IN_STREAMS};
