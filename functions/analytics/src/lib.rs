//! Counts what the shop sells: totals, orders by status, revenue, and all of these over time. It knows orders from their
//! events alone.
//!
//! This service owns the table `analytics`. What was counted of an order is recorded in a log, in the same transaction as the counts, so that a
//! repeated event is never counted again, however late it arrives. Orders that arrive in one batch are counted together: a transaction appends
//! to the log of each window in which they were placed, and adds to a buffer in front of the counters.
//!
//! The events of an order may arrive in any sequence. The first one counts the order, `order.placed` counts it in the
//! series, and the event that ends the order counts the rest.
//!
//! A [`Rebuild`] counts the same events again into a new generation of counters, while orders arrive, and then makes that
//! generation the current one.

mod buffer;
mod consumer;
mod counter_reader;
mod counters;
mod generations;
mod log;
mod order_counter;
mod order_facts;
mod plan;
mod rebuild;
mod router;
mod series;
mod summary;
mod table;

pub use consumer::AnalyticsConsumer;
pub use order_counter::CountError;
pub use rebuild::{Rebuild, RebuildError};
pub use router::router;
pub use table::ANALYTICS;
