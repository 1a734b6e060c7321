//! The settings of `inventory-reserve`.

use std::time::Duration;

use orderflow_settings::declared::ORDER_UNKNOWN_SKU_WAIT;
use orderflow_settings::{Reader, defaults};

/// The settings of `inventory-reserve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySettings {
    /// How long an order waits for a SKU whose product is not known yet (`ORDER_UNKNOWN_SKU_WAIT`).
    pub unknown_sku_wait: Duration,
}

impl Default for InventorySettings {
    fn default() -> Self {
        defaults(Self::read)
    }
}

impl InventorySettings {
    /// Reads `ORDER_UNKNOWN_SKU_WAIT`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self { unknown_sku_wait: reader.duration(&ORDER_UNKNOWN_SKU_WAIT) }
    }
}
