//! Shortages: ordered units that are not available.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Sku;

/// A sku with fewer available units than an order asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shortage {
    /// The product.
    pub sku: Sku,
    /// The units that the order asks for.
    pub requested: u32,
    /// The units that were available.
    pub available: i64,
}

impl Shortage {
    /// Describes all shortages of an order in one line; `None` when there are none.
    pub fn summary(shortages: &[Self]) -> Option<String> {
        let lines: Vec<String> = shortages.iter().map(Self::to_string).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sku, requested, available } = self;
        write!(f, "{sku}: requested {requested}, available {available}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_every_sku_in_one_line() {
        let short =
            |sku, requested, available| Shortage { sku: Sku::parse(sku).unwrap(), requested, available };
        let shortages = [short("A", 2, 0), short("B", 10_000, 9_999)];
        let summary = "A: requested 2, available 0; B: requested 10000, available 9999";
        assert_eq!(Shortage::summary(&shortages).as_deref(), Some(summary));
        assert_eq!(Shortage::summary(&[]), None);
    }
}
