//! DynamoDB inside the process.
//!
//! [`Embedded`] runs the engine `dynoxide` (SQLite inside) behind the AWS SDK for Rust: the clients it hands out are
//! the SDK's own, but their requests are answered by a function call instead of a socket. [`Embedded::serve`] puts the
//! same dispatch behind HTTP, for processes that only know an endpoint URL.
//!
//! # What differs from DynamoDB on AWS
//! - There is never a `TransactionConflict`, no throttling and no server fault: tests inject them
//!   ([`Embedded::inject`]).
//! - A stream has one shard, keeps its records until [`Embedded::trim_stream`] removes them, and never answers
//!   `TrimmedDataAccessException`: reading after a trimmed record starts at the oldest one left.
//! - Items whose time to live has passed are not deleted.
//!
//! # What a crash costs
//! A database in a directory uses SQLite's write-ahead log with `synchronous=NORMAL`. Killing the process, also with
//! `kill -9`, loses nothing that was answered. A power cut or a crash of the operating system may lose the last commits
//! before it (in order, never a torn one, and items always together with their stream records).

mod answer;
mod changes;
mod counts;
mod dispatch;
mod embedded;
mod engine;
mod error;
mod faults;
mod location;
mod migrations;
mod operation;
mod schema;
mod sdk;
mod server;
mod tokens;

pub use counts::RequestCounts;
pub use embedded::Embedded;
pub use error::EmbeddedError;
pub use faults::{Fault, FaultInjector};
pub use location::Location;
pub use migrations::SCHEMA_VERSION;
pub use server::HEALTHY;
