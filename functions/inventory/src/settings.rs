//! What can be set of `inventory-reserve`.

use std::time::Duration;

use orderflow_lambda::{DurationSettingError, duration_setting};

/// What can be set of `inventory-reserve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySettings {
    /// How long an order waits for a sku that is not known yet (`ORDER_UNKNOWN_SKU_WAIT`, such as `30s`).
    pub unknown_sku_wait: Duration,
}

impl Default for InventorySettings {
    fn default() -> Self {
        Self { unknown_sku_wait: Duration::from_secs(30) }
    }
}

impl InventorySettings {
    /// The settings of the environment.
    ///
    /// # Errors
    /// Names the variable that cannot be used.
    pub fn from_environment() -> Result<Self, DurationSettingError> {
        let mut settings = Self::default();
        if let Some(wait) = duration_setting("ORDER_UNKNOWN_SKU_WAIT")? {
            settings.unknown_sku_wait = wait;
        }
        Ok(settings)
    }
}
