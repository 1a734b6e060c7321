//! Inventory: the stock level of each product, and the reservations of orders.
//!
//! Owns the table `inventory`: one item for each sku with its level, and one for each order with its reservation. A reservation and the
//! units that it takes are written in one transaction, so that units are never reserved twice and never lost: available plus reserved is
//! always the stocked number.
//!
//! Orders of one batch are committed together, with one update of a sku's level for as many orders as fit into a transaction. So a sku that
//! most orders name is the fast case.

mod adjust;
mod commit;
mod consumer;
mod levels;
mod personal;
mod plan;
mod router;
mod settings;
mod table;

pub use adjust::{AdjustError, Correction, FirstStock};
pub use consumer::InventoryConsumer;
pub use levels::Level;
pub use personal::PersonalReservations;
pub use router::router;
pub use settings::InventorySettings;
pub use table::{EVENT_SOURCE, INVENTORY};
