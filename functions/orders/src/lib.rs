//! Orders: accepting them over HTTP, and following them until they are settled.
//!
//! Owns the table `orders`: one item for each order, which is also the order's outbox and timeline. `order-intake` serves the HTTP API.
//! `order-tracker` applies the reports of inventory and payments to the orders, by the status machine of [`orderflow_domain::OrderState`].
//! `order-expiry` resends events of stuck orders, and cancels orders that stay undecided too long.

mod events;
mod expiry;
#[cfg(test)]
mod harness;
mod intake;
mod personal;
mod repository;
mod table;
mod tracker;
mod transition;
mod unknown;

pub use events::{EVENT_SOURCE, OrderHistory};
pub use expiry::{ExpirySettings, OrderExpiry, Swept};
pub use intake::router;
pub use personal::{PersonalOrder, PersonalOrders};
pub use table::ORDERS;
pub use tracker::OrderTracker;
