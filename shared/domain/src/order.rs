//! An order and its lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CustomerId, Email, Money, OrderId, OrderState, PaymentToken, Phone, Quantity, Sku, Timestamp};

/// The most lines that an order may have, before lines of one sku are merged.
pub const MAX_LINES: usize = 50;

/// One line of an order, with the name and price that the catalog had when it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// What.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// The price of one, in minor units of the order's currency.
    pub unit_price: i64,
}

/// What a customer wants, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// Where its messages go.
    pub email: Email,
    /// Where its short messages go, if anywhere.
    pub phone: Option<Phone>,
    /// What the charge goes to, if the shop collected anything.
    pub payment_token: Option<PaymentToken>,
    /// What is ordered; each sku once.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Money,
    /// Where it stands.
    pub state: OrderState,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Lines that make no order. `line` is the position in the request, from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// There is none.
    #[error("must hold at least one line")]
    None,
    /// There are more than [`MAX_LINES`].
    #[error("must hold at most 50 lines")]
    TooMany,
    /// Lines of one sku add up to more than one line may hold.
    #[error("all lines of one sku together must ask for at most 10000 units")]
    TooManyUnits {
        /// The line that went over it.
        line: usize,
    },
}

/// Merges the lines that name one sku, so that nothing is checked line by line that must be checked together.
///
/// # Errors
/// [`LineError`] where there are no lines, too many, or too many units of one sku.
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

impl Order {
    /// What these lines cost together, in minor units. Cannot overflow: 50 lines of 10,000 units at eight digits are below 2^53.
    pub fn total_of(lines: &[OrderLine]) -> i64 {
        lines.iter().map(|line| line.unit_price * i64::from(line.quantity.get())).sum()
    }
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
    fn limits_hold() {
        assert_eq!(merge_lines(&[]), Err(LineError::None));
        assert_eq!(merge_lines(&vec![line("A", 1); 51]), Err(LineError::TooMany));
        let over = merge_lines(&[line("A", 9_999), line("B", 1), line("A", 2)]);
        assert_eq!(over, Err(LineError::TooManyUnits { line: 2 }));
    }

    #[test]
    fn the_largest_order_does_not_overflow() {
        let line = OrderLine {
            sku: Sku::parse("A").unwrap(),
            name: String::new(),
            quantity: Quantity::new(10_000).unwrap(),
            unit_price: crate::MAX_PRICE,
        };
        assert_eq!(Order::total_of(&vec![line; MAX_LINES]), 49_999_999_500_000);
    }
}
