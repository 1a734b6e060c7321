//! What can be set of `inventory-reserve`.

use std::time::Duration;

/// What can be set of `inventory-reserve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySettings {
    /// How long an order waits for a sku that is not known yet (`ORDER_UNKNOWN_SKU_WAIT`, such as `30s`).
    pub unknown_sku_wait: Duration,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ORDER_UNKNOWN_SKU_WAIT={0:?} must be a time such as 30s, 500ms or 5m")]
pub struct InventorySettingsError(String);

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
    pub fn from_environment() -> Result<Self, InventorySettingsError> {
        let Ok(text) = std::env::var("ORDER_UNKNOWN_SKU_WAIT") else { return Ok(Self::default()) };
        let unknown_sku_wait = humantime::parse_duration(&text).map_err(|_| InventorySettingsError(text))?;
        Ok(Self { unknown_sku_wait })
    }
}
