//! The relay: reads what the tables' streams deliver, builds the events that each write named, and publishes them.
//!
//! It gives an error for a batch as a whole when anything was not published: the stream then delivers it again, and
//! consumers deduplicate. What cannot be decoded goes whole to the dead letters, so that it holds nothing up.

mod relay;

pub use relay::{Relay, RelayError};

use orderflow_store::EventSource;

/// Every table whose writes carry events.
pub const EVENT_SOURCES: &[EventSource] = &[
    orderflow_orders::EVENT_SOURCE,
    orderflow_inventory::EVENT_SOURCE,
    orderflow_payments::EVENT_SOURCE,
    orderflow_catalog::EVENT_SOURCE,
    orderflow_notifications::EVENT_SOURCE,
];
