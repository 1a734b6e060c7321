//! Money in whole minor units (cents), never in floating point.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::parsed_string;

/// The highest unit price, in minor units: eight digits, the limit of card payment providers.
pub const MAX_PRICE: i64 = 99_999_999;

/// A currency by its three-letter ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(String);

/// A text that is not a valid [`Currency`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency code of three letters such as USD")]
pub struct CurrencyError;

impl Currency {
    /// Parses a code in any case.
    ///
    /// # Errors
    /// [`CurrencyError`] for a text that is not three ASCII letters.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(CurrencyError)
        }
    }

    /// Returns the number of decimal places of the minor unit (ISO 4217: two, except for a few currencies).
    pub fn decimal_places(&self) -> usize {
        const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
        const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";
        if NONE.contains(&self.0) {
            0
        } else if THREE.contains(&self.0) {
            3
        } else {
            2
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

parsed_string!(Currency, CurrencyError);

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
                let unit = 10_u64.pow(if places == 3 { 3 } else { 2 });
                write!(f, "{sign}{}.{:0places$} {}", units / unit, units % unit, self.currency)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currency_codes_are_normalised_and_checked() {
        assert_eq!(Currency::parse("eur").unwrap().as_str(), "EUR");
        for bad in ["", "US", "USDX", "U$D", "ÜSD"] {
            assert!(Currency::parse(bad).is_err(), "{bad:?}");
        }
    }

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
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(Money { amount, currency }.to_string(), text);
        }
    }
}
