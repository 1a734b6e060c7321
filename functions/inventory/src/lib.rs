//! Stock: how many units of each sku there are, and which orders hold them.
//!
//! Owns the table `inventory`: one item a sku with its level, one item an order with its reservation. A reservation and
//! the units it takes are one transaction, so units are never held twice and never lost; available plus reserved
//! is always what was stocked.
//!
//! Orders that arrive together are committed together: one update of a sku's level for as many orders as fit into a
//! transaction, so that a sku everybody wants is the fast case.

mod adjust;
mod commit;
mod consumer;
mod events;
mod levels;
mod plan;
mod router;
mod settings;
mod table;

pub use adjust::{AdjustError, Correction, FirstStock};
pub use consumer::InventoryConsumer;
pub use events::EVENT_SOURCE;
pub use levels::Level;
pub use router::router;
pub use settings::InventorySettings;
pub use table::INVENTORY;
