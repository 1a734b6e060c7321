//! The outbox relay: receives batches of stream records, builds the events that each write named, and publishes them.
//!
//! If an event could not be published, the relay fails the whole batch. The stream then delivers the batch again, and consumers deduplicate the
//! events. A record that cannot be decoded is dead-lettered as a whole, so that it does not block the stream.

mod relay;

pub use relay::{Relay, RelayError};

use orderflow_store::EventSource;

/// The tables whose writes name events.
pub const EVENT_SOURCES: &[EventSource] = &[
    orderflow_orders::EVENT_SOURCE,
    orderflow_inventory::EVENT_SOURCE,
    orderflow_payments::EVENT_SOURCE,
    orderflow_catalog::EVENT_SOURCE,
    orderflow_notifications::EVENT_SOURCE,
];
