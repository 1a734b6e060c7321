//! The catalog: products and prices.
//!
//! Owns the table `catalog`. [`router`] writes and lists products. [`Catalog`] reads them through a cache: order intake takes prices from it,
//! and inventory asks it for the first stock of a product whose `product.created` has not arrived yet. [`warmup_router`] fills the cache.

mod body;
mod cache;
mod reader;
mod router;
mod settings;
mod shop_currency;
mod table;
mod warmup;
mod writer;

pub use reader::{Catalog, PricedProduct};
pub use router::router;
pub use settings::CatalogSettings;
pub use shop_currency::{SHOP_ITEM, ShopCurrencyError, check_currency, claim_currency};
pub use table::{CATALOG, EVENT_SOURCE};
pub use warmup::warmup_router;
pub use writer::{CatalogWriter, CreateError, MAX_STOCK, NewProduct};
