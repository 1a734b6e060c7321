//! The lines of an order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Quantity, Sku};

/// The most lines of an order, counted before lines of the same sku are merged.
pub const MAX_LINES: usize = 50;

/// One line of an order, with the product's name and price at the time of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// The product.
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// The number of units.
    pub quantity: Quantity,
    /// The price of one unit, in minor units of the order's currency.
    pub unit_price: i64,
}

/// Lines that an order cannot have. `line` is the position in the request, from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// There are no lines.
    #[error("must hold at least one line")]
    None,
    /// There are more than [`MAX_LINES`] lines.
    #[error("must hold at most 50 lines")]
    TooMany,
    /// The lines of one sku add up to more units than one line may have.
    #[error("all lines of one sku together must ask for at most 10000 units")]
    TooManyUnits {
        /// The line that exceeds the limit.
        line: usize,
    },
}

/// Merges lines of the same sku, so that stock and limits are checked for each sku as a whole.
///
/// # Errors
/// [`LineError`] for no lines, too many lines, or too many units of one sku.
pub fn merge_lines(lines: &[(Sku, Quantity)]) -> Result<Vec<(Sku, Quantity)>, LineError> {
    match lines.len() {
        0 => return Err(LineError::None),
        1..=MAX_LINES => {}
        _ => return Err(LineError::TooMany),
    }
    let mut position_of: BTreeMap<&Sku, usize> = BTreeMap::new();
    let mut merged: Vec<(Sku, Quantity)> = Vec::with_capacity(lines.len());
    for (line, (sku, quantity)) in lines.iter().enumerate() {
        if let Some(position) = position_of.get(sku) {
            let sum = &mut merged[*position].1;
            *sum = sum.checked_add(*quantity).map_err(|_| LineError::TooManyUnits { line })?;
        } else {
            position_of.insert(sku, merged.len());
            merged.push((sku.clone(), *quantity));
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sku: &str, units: i64) -> (Sku, Quantity) {
        (Sku::parse(sku).unwrap(), Quantity::new(units).unwrap())
    }

    #[test]
    fn h03_lines_of_one_sku_are_merged() {
        let merged = merge_lines(&[line("A", 2), line("B", 1), line("a", 3)]).unwrap();
        assert_eq!(merged, [line("A", 5), line("B", 1)]);
    }

    #[test]
    fn too_many_lines_or_units_are_refused() {
        assert_eq!(merge_lines(&[]), Err(LineError::None));
        assert_eq!(merge_lines(&vec![line("A", 1); 51]), Err(LineError::TooMany));
        let over = merge_lines(&[line("A", 9_999), line("B", 1), line("A", 2)]);
        assert_eq!(over, Err(LineError::TooManyUnits { line: 2 }));
    }
}
