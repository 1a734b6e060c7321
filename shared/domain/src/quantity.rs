//! The number of units on a line of an order, and shortages of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Sku;

/// The most units on one line of an order.
pub const MAX_QUANTITY: u32 = 10_000;

/// Units of one sku on one line: 1 to [`MAX_QUANTITY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u32")]
pub struct Quantity(u32);

/// A number that is not a valid [`Quantity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 10000")]
pub struct QuantityError;

impl Quantity {
    /// Checks a number.
    ///
    /// # Errors
    /// [`QuantityError`] for a number that is out of range.
    pub fn new(units: i64) -> Result<Self, QuantityError> {
        match u32::try_from(units) {
            Ok(units @ 1..=MAX_QUANTITY) => Ok(Self(units)),
            _ => Err(QuantityError),
        }
    }

    /// Returns the number of units.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Adds two quantities.
    ///
    /// # Errors
    /// [`QuantityError`] for a sum above [`MAX_QUANTITY`].
    pub fn checked_add(self, other: Self) -> Result<Self, QuantityError> {
        Self::new(i64::from(self.0) + i64::from(other.0))
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(units: i64) -> Result<Self, QuantityError> {
        Self::new(units)
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> u32 {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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
    fn a_quantity_is_1_to_10000() {
        for bad in [0, -1, 10_001, i64::MAX, i64::MIN] {
            assert_eq!(Quantity::new(bad), Err(QuantityError));
        }
        assert_eq!(Quantity::new(10_000).unwrap().get(), 10_000);
        assert!(Quantity::new(6_000).unwrap().checked_add(Quantity::new(4_001).unwrap()).is_err());
    }

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
