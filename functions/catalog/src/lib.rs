//! Products and prices.
//!
//! Owns the table `catalog`. [`router`] writes and lists products; [`Catalog`] is the read-only face that order intake
//! takes prices from, and that inventory asks about a sku whose creation has not reached it yet. It remembers products for a
//! while; [`warmup_router`] fills its memory.

mod body;
mod cache;
mod events;
mod reader;
mod router;
mod settings;
mod table;
mod warmup;
mod writer;

pub use events::EVENT_SOURCE;
pub use reader::{Catalog, PricedProduct};
pub use router::router;
pub use settings::CatalogSettings;
pub use table::CATALOG;
pub use warmup::warmup_router;
pub use writer::{CatalogWriter, CreateError, MAX_STOCK, NewProduct};
