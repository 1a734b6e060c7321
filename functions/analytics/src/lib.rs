//! What the shop sold: totals, orders by status, revenue, and how they went over time. Known from events alone.
//!
//! Owns the table `analytics`. What was counted of an order stands in an item of that order's, written in the same
//! transaction as the counters it went into, so that no repeat counts again, however late it comes. Orders that
//! arrive together are counted together: one update of each counter for as many of them as fit into a transaction, in
//! a shard that is drawn anew each time.
//!
//! Any of an order's events may come first. The first one counts the order, `order.placed` counts it into the series,
//! the event that ended it counts the rest.
//!
//! A [`Recount`] counts anew from the same events beside what is valid, while orders go on, and then takes its place.

mod answer_cache;
mod bucket;
mod commit;
mod consumer;
mod generations;
mod plan;
mod reader;
mod recount;
mod router;
mod series;
mod summary;
mod table;
mod tally;
mod work;

pub use commit::CountError;
pub use consumer::AnalyticsConsumer;
pub use recount::{Recount, RecountError};
pub use router::router;
pub use table::ANALYTICS;
