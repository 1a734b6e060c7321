//! Money in whole minor units (cents), never in floating point.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::currency::Currency;

/// The highest unit price, in minor units: ten digits. The total of the largest order is then below 2^53, up to which every reader of JSON keeps whole
/// numbers (RFC 8259, section 6).
pub const MAX_PRICE: i64 = 9_999_999_999;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// The number of minor units (cents).
    pub amount: i64,
    /// The currency of the minor units.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, units) = (if self.amount < 0 { "-" } else { "" }, self.amount.unsigned_abs());
        match self.currency.decimal_places() {
            0 => write!(f, "{sign}{units} {}", self.currency),
            places => {
                let unit = (0..places).fold(1, |unit, _| unit * 10);
                write!(f, "{sign}{}.{:0places$} {}", units / unit, units % unit, self.currency)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h17_money_is_whole_minor_units_in_json() {
        let money = Money { amount: 3998, currency: Currency::parse("USD").unwrap() };
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":3998,"currency":"USD"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"amount":39.98,"currency":"USD"}"#).is_err());
    }

    #[test]
    fn amounts_are_written_with_their_decimal_places() {
        for (amount, code, text) in [
            (3998, "USD", "39.98 USD"),
            (-5, "EUR", "-0.05 EUR"),
            (500, "JPY", "500 JPY"),
            (1005, "KWD", "1.005 KWD"),
            (10_005, "CLF", "1.0005 CLF"),
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(Money { amount, currency }.to_string(), text);
        }
    }
}
