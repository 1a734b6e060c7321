//! Products and prices.
//!
//! Owns the table `catalog`. [`router`] writes and lists products; [`Catalog`] is the read-only face that order intake
//! takes prices from, and that inventory asks about a sku whose creation has not reached it yet.

mod events;
mod reader;
mod router;
mod table;
mod writer;

pub use events::EVENT_SOURCE;
pub use reader::{Catalog, PricedProduct};
pub use router::router;
pub use table::CATALOG;
pub use writer::{CatalogWriter, CreateError, MAX_STOCK, NewProduct};
