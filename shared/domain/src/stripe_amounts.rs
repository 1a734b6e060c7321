//! Stripe's rules about amounts, from <https://docs.stripe.com/currencies>. Order intake and catalog check them without its client.

use crate::charge_rules::{ChargeLimits, ChargeRules, NotChargeable};
use crate::currency::Currency;
use crate::money::Money;

/// The currencies that Stripe counts in whole units. MGA has two decimal places in ISO 4217, and none at Stripe.
const ZERO_DECIMAL: &str = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF";

/// The currencies without decimal places whose amounts Stripe counts in hundredths all the same.
const ZERO_DECIMAL_IN_HUNDREDTHS: &str = "ISK UGX";

/// The currencies that Stripe counts in thousandths, whose last digit has to be 0.
const THREE_DECIMAL: &str = "BHD JOD KWD OMR TND";

/// The currencies with two decimal places in which Stripe creates no charge: it answers `Invalid currency`. Stripe knows MRU and STN only by
/// their withdrawn codes.
const NOT_CHARGED: &str = "BOV CHE CHW COU CUP ERN IRR KPW MRU MXV SDG SSP STN SYP TMT USN VED VES XAD ZWG";

/// The lowest charges, in Stripe's unit. HUF and TWD have two decimal places in charges; only payouts are in whole units.
const MINIMUMS: [(&str, i64); 31] = [
    ("AED", 200),
    ("ARS", 50),
    ("AUD", 50),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("COP", 50),
    ("CZK", 1_500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17_500),
    ("IDR", 50),
    ("ILS", 50),
    ("INR", 50),
    ("JPY", 50),
    ("KRW", 50),
    ("MXN", 1_000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PHP", 50),
    ("PLN", 200),
    ("RON", 200),
    ("RUB", 50),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1_000),
    ("USD", 50),
    ("ZAR", 50),
];

/// The lowest charge of the other currencies, which depends on the exchange rate to the currency of the account.
const MINIMUM: i64 = 1;

/// The highest charge of a card, in Stripe's unit: twelve digits. Some cards take less; Stripe then declines the charge.
const MAXIMUM: i64 = 999_999_999_999;

/// How Stripe's unit of a currency relates to the minor unit of ISO 4217.
#[derive(Clone, Copy)]
struct Unit {
    /// The number of Stripe's units in a minor unit; 1 if Stripe's unit is larger.
    per_minor: i64,
    /// The number of minor units in one of Stripe's units; 1 if Stripe's unit is smaller.
    minor_per: i64,
    /// Every amount is a multiple of this, in minor units.
    step: i64,
}

impl Unit {
    /// Returns the unit of a currency; `None` if Stripe does not charge in it, or does not document how it counts it.
    fn of(currency: &Currency) -> Option<Self> {
        let listed = |codes: &str| codes.split(' ').any(|code| code == currency.as_str());
        let (per_minor, minor_per, step) = match currency.decimal_places() {
            2 if listed(ZERO_DECIMAL) => (1, 100, 100),
            2 if listed(NOT_CHARGED) => return None,
            2 => (1, 1, 1),
            0 if listed(ZERO_DECIMAL) => (1, 1, 1),
            0 if listed(ZERO_DECIMAL_IN_HUNDREDTHS) => (100, 1, 1),
            3 if listed(THREE_DECIMAL) => (1, 1, 10),
            _ => return None,
        };
        Some(Self { per_minor, minor_per, step })
    }
}

/// Returns the rules by which Stripe refuses amounts.
pub fn stripe_charge_rules() -> ChargeRules {
    ChargeRules::new(limits)
}

fn limits(currency: &Currency) -> Option<ChargeLimits> {
    let unit = Unit::of(currency)?;
    let listed = MINIMUMS.iter().find(|(code, _)| *code == currency.as_str());
    let min = listed.map_or(MINIMUM, |(_, amount)| *amount);
    Some(ChargeLimits {
        step: unit.step,
        // Every smallest charge in Stripe's unit is at least one minor unit.
        min: (min * unit.minor_per).div_euclid(unit.per_minor).max(unit.step),
        max: MAXIMUM * unit.minor_per / unit.per_minor,
    })
}

/// Converts an amount into Stripe's unit of its currency.
///
/// # Errors
/// [`NotChargeable`] if Stripe's unit cannot express the amount.
pub fn stripe_amount(money: &Money) -> Result<i64, NotChargeable> {
    let unit = Unit::of(&money.currency).ok_or_else(|| NotChargeable::Currency(money.currency.clone()))?;
    if money.amount % unit.step != 0 {
        return Err(NotChargeable::Step(Money { amount: unit.step, currency: money.currency.clone() }));
    }
    Ok(money.amount * unit.per_minor / unit.minor_per)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, code: &str) -> Money {
        Money { amount, currency: Currency::parse(code).unwrap() }
    }

    #[test]
    fn amounts_are_in_the_unit_of_stripe() {
        for (code, amount, sent) in [
            ("USD", 3998, 3998),
            ("HUF", 17_545, 17_545),
            ("TWD", 80_045, 80_045),
            ("JPY", 3998, 3998),
            ("ISK", 3998, 399_800),
            ("UGX", 3998, 399_800),
            ("MGA", 1000, 10),
            ("KWD", 5120, 5120),
        ] {
            assert_eq!(stripe_amount(&money(amount, code)), Ok(sent), "{code}");
        }
    }

    #[test]
    fn amounts_that_stripe_cannot_express_are_refused_and_never_rounded() {
        for (code, amount, step) in [("MGA", 1050, 100), ("KWD", 5124, 10), ("TND", 1, 10)] {
            assert_eq!(stripe_amount(&money(amount, code)), Err(NotChargeable::Step(money(step, code))));
        }
        for code in ["LYD", "IQD", "CLF", "UYI", "IRR", "KPW", "CUP", "VES", "MRU"] {
            assert!(matches!(stripe_amount(&money(1000, code)), Err(NotChargeable::Currency(_))), "{code}");
        }
    }

    #[test]
    fn limits_are_in_minor_units_of_iso_4217() {
        for (code, step, min, max) in [
            ("USD", 1, 50, 999_999_999_999),
            ("GBP", 1, 30, 999_999_999_999),
            ("HUF", 1, 17_500, 999_999_999_999),
            ("JPY", 1, 50, 999_999_999_999),
            ("ISK", 1, 1, 9_999_999_999),
            ("MGA", 100, 100, 99_999_999_999_900),
            ("KWD", 10, 10, 999_999_999_999),
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(limits(&currency), Some(ChargeLimits { step, min, max }), "{code}");
        }
    }

    #[test]
    fn every_listed_code_is_a_currency() {
        let lists = [ZERO_DECIMAL, ZERO_DECIMAL_IN_HUNDREDTHS, THREE_DECIMAL];
        let codes = lists.iter().flat_map(|codes| codes.split(' '));
        for code in codes.chain(MINIMUMS.iter().map(|(code, _)| *code)) {
            assert!(limits(&Currency::parse(code).unwrap()).is_some(), "{code}");
        }
        for code in NOT_CHARGED.split(' ') {
            assert_eq!(limits(&Currency::parse(code).unwrap()), None, "{code}");
        }
    }
}
