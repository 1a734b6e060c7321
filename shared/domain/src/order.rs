//! An order.

use crate::{CustomerId, Email, Money, OrderId, OrderLine, OrderState, PaymentToken, Phone, Timestamp};

/// An order with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The order's id.
    pub id: OrderId,
    /// The customer who placed the order.
    pub customer_id: CustomerId,
    /// The address for messages about the order.
    pub email: Email,
    /// The number for short messages about the order, if the customer gave one.
    pub phone: Option<Phone>,
    /// The customer's payment method at the payment provider, if the shop collected one.
    pub payment_token: Option<PaymentToken>,
    /// The ordered products; each sku once.
    pub lines: Vec<OrderLine>,
    /// The price of all lines.
    pub total: Money,
    /// The status, and the answers that a refused order waits for.
    pub state: OrderState,
    /// When the order was placed.
    pub created_at: Timestamp,
    /// When the order last changed.
    pub updated_at: Timestamp,
}

impl Order {
    /// Returns the price of all lines, in minor units. Cannot overflow: 50 lines of 10,000 units at a price of ten digits are below 2^53.
    pub fn total_of(lines: &[OrderLine]) -> i64 {
        lines.iter().map(|line| line.unit_price * i64::from(line.quantity.get())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MAX_LINES, Quantity, Sku};

    #[test]
    fn the_largest_order_does_not_overflow() {
        let line = OrderLine {
            sku: Sku::parse("A").unwrap(),
            name: String::new(),
            quantity: Quantity::new(10_000).unwrap(),
            unit_price: crate::MAX_PRICE,
        };
        assert_eq!(Order::total_of(&vec![line; MAX_LINES]), 4_999_999_999_500_000);
    }
}
