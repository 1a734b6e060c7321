//! Orders: taking them in, and moving them along as facts come in.
//!
//! Owns the table `orders`: one item an order, which is also its own outbox and timeline. `order-intake` is the HTTP
//! face; `order-tracker` turns what inventory and payment report into the order's status, by the machine in
//! [`orderflow_domain::OrderState`]; `order-expiry` sees to those that stay open too long.

mod events;
mod expiry;
mod fingerprint;
#[cfg(test)]
mod harness;
mod history;
mod intake;
mod record;
mod repository;
mod table;

mod timeline;
mod tracker;

pub use events::EVENT_SOURCE;
pub use expiry::{ExpirySettings, OrderExpiry, Swept};
pub use history::OrderHistory;
pub use intake::router;
pub use table::ORDERS;
pub use tracker::OrderTracker;
