//! Counts what the shop sells: totals, orders by status, revenue, and all of these over time. It knows orders from their
//! events alone.
//!
//! This service owns the table `analytics`. What was counted of an order is recorded in an item for that order, in the same
//! transaction as the counters, so that a repeated event is never counted again, however late it arrives. Orders that
//! arrive in one batch are counted together: a transaction updates each counter once for as many orders as fit, in a
//! shard that is chosen at random for each transaction.
//!
//! The events of an order may arrive in any sequence. The first one counts the order, `order.placed` counts it in the
//! series, and the event that ends the order counts the rest.
//!
//! A [`Rebuild`] counts the same events again into a new generation of counters, while orders arrive, and then makes that
//! generation the current one.

mod consumer;
mod counter_reader;
mod counters;
mod generations;
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
