//! What can be set of the catalog.

use std::time::Duration;

use orderflow_lambda::{DurationSettingError, duration_setting};

/// What can be set of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// How long a product is remembered, and so how long a change that another process made may stay unseen (`CATALOG_CACHE_TTL`,
    /// such as `5s`). `0s` remembers nothing; above a day is a day.
    pub cache_ttl: Duration,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { cache_ttl: Duration::from_secs(5) }
    }
}

impl CatalogSettings {
    /// The settings of the environment.
    ///
    /// # Errors
    /// Names the variable that cannot be used.
    pub fn from_environment() -> Result<Self, DurationSettingError> {
        let mut settings = Self::default();
        if let Some(ttl) = duration_setting("CATALOG_CACHE_TTL")? {
            settings.cache_ttl = ttl;
        }
        Ok(settings)
    }
}
