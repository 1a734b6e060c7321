//! Values as people write them on a command line: prices and durations.

use std::time::Duration;

use orderflow_domain::{Currency, MAX_PRICE, Money};

/// The text is not a price in this currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// It is not a plain decimal number.
    #[error("the price must be a plain decimal number such as 19.99")]
    Malformed,
    /// It has more decimal places than the currency.
    #[error("the price has more decimal places than {currency}, which has {places}")]
    TooPrecise {
        /// The currency.
        currency: Currency,
        /// The decimal places of the currency (ISO 4217).
        places: usize,
    },
    /// It is above [`MAX_PRICE`].
    #[error("the price must be at most {0}")]
    TooHigh(Money),
}

/// Reads a price in major units (`19.99`) as the exact number of minor units, without a binary fraction on the way.
///
/// # Errors
/// [`PriceError`] if the text is not a plain decimal number, would have to be rounded, or is too high.
pub fn parse_price(text: &str, currency: &Currency) -> Result<Money, PriceError> {
    let (units, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(PriceError::Malformed),
        Some(parts) => parts,
        None => (text, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if units.is_empty() || !all_digits(units) || !all_digits(fraction) {
        return Err(PriceError::Malformed);
    }
    let places = currency.decimal_places();
    if fraction.len() > places {
        return Err(PriceError::TooPrecise { currency: currency.clone(), places });
    }
    let money = |amount| Money { amount, currency: currency.clone() };
    let digits = format!("{units}{fraction:0<places$}");
    // Only digits are left, so a number that does not fit into 64 bits is above the limit too.
    match digits.parse::<i64>() {
        Ok(amount) if amount <= MAX_PRICE => Ok(money(amount)),
        _ => Err(PriceError::TooHigh(money(MAX_PRICE))),
    }
}

/// Reads a duration, a whole number with a unit: `500ms`, `30s`, `2m`, `1h`.
///
/// # Errors
/// Says what is expected.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "must be a whole number with a unit, such as 500ms, 30s, 2m or 1h";
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u32 = digits.parse().map_err(|_| EXPECTED)?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(EXPECTED),
    };
    Ok(Duration::from_millis(u64::from(number) * milliseconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[test]
    fn prices_become_exact_minor_units() {
        for (text, code, amount) in [
            ("19.99", "USD", 1999),
            ("19.9", "USD", 1990),
            ("19", "USD", 1900),
            ("0.07", "EUR", 7),
            ("0", "USD", 0),
            ("007.10", "USD", 710),
            ("500", "JPY", 500),
            ("1.005", "KWD", 1005),
            ("99999999.99", "USD", MAX_PRICE),
        ] {
            assert_eq!(parse_price(text, &currency(code)).unwrap().amount, amount, "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_prices_are_refused() {
        for text in ["", ".", "19.", ".5", "-1", "+1", "1e3", "1,99", "1.9.9", " 1", "$1", "NaN", "٣"] {
            assert_eq!(parse_price(text, &currency("USD")), Err(PriceError::Malformed), "{text:?}");
        }
        let too_precise =
            |text, code| matches!(parse_price(text, &currency(code)), Err(PriceError::TooPrecise { .. }));
        assert!(too_precise("19.990", "USD") && too_precise("1.0", "JPY"));
        for text in ["100000000", "99999999999999999999999"] {
            assert!(matches!(parse_price(text, &currency("USD")), Err(PriceError::TooHigh(_))));
        }
    }

    proptest! {
        #[test]
        fn displayed_money_is_read_back(
            amount in 0..=MAX_PRICE,
            code in prop::sample::select(vec!["USD", "JPY", "KWD"]),
        ) {
            let money = Money { amount, currency: currency(code) };
            let shown = money.to_string();
            let text = shown.split(' ').next().unwrap();
            prop_assert_eq!(parse_price(text, &money.currency), Ok(money));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse_price(&text, &currency("USD"));
        }
    }
}

#[cfg(test)]
mod duration_tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, milliseconds) in
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for bad in ["", "30", "s", "-1s", "1.5s", "1d", "1 s", "99999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }
}
