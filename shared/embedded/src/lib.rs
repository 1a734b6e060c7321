//! DynamoDB inside the process, in memory, for tests: a store whose requests a test counts and makes fail, and the one with which the program's own
//! engine is compared.
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

mod answer;
mod backend;
mod changes;
mod counts;
mod dispatch;
mod embedded;
mod engine;
mod error;
mod faults;
mod operation;
mod remnants;
mod schema;
mod sdk;
mod server;
mod tokens;

pub use counts::RequestCounts;
pub use embedded::Embedded;
pub use error::EmbeddedError;
pub use faults::{Fault, FaultInjector};
pub use remnants::Replacement;
pub use server::{ERASE_REMNANTS, HEALTHY, REPLACE_IN_STREAMS};
