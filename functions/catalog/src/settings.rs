//! The settings of the catalog.

use std::time::Duration;

use orderflow_settings::declared::CATALOG_CACHE_TTL;
use orderflow_settings::{Reader, defaults};

use crate::cache::TTL_MAX;

/// The settings of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// How long a product is cached (`CATALOG_CACHE_TTL`), and so how long a change by another process may stay invisible. Zero turns the
    /// cache off. More than a day counts as a day.
    pub cache_ttl: Duration,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        defaults(Self::read)
    }
}

impl CatalogSettings {
    /// Reads `CATALOG_CACHE_TTL`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self { cache_ttl: reader.duration_up_to(&CATALOG_CACHE_TTL, TTL_MAX) }
    }
}
