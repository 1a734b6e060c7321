//! The amounts that a payment provider can charge.

use crate::currency::Currency;
use crate::money::Money;

/// The amounts that a payment provider can charge in a currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeLimits {
    /// Every amount is a multiple of this.
    pub step: i64,
    /// The lowest amount of a charge.
    pub min: i64,
    /// The highest amount of a charge.
    pub max: i64,
}

/// The rules by which a payment provider refuses amounts. The default accepts every amount.
#[derive(Debug, Clone, Copy)]
pub struct ChargeRules {
    limits: fn(&Currency) -> Option<ChargeLimits>,
}

/// Why the payment provider will never charge an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChargeable {
    /// It does not charge in this currency.
    #[error("cannot be in {0}, because the payment provider does not charge in it")]
    Currency(Currency),
    /// The amount is finer than what it counts in.
    #[error("must be a multiple of {}, because the payment provider cannot charge less than that", .0)]
    Step(Money),
    /// The amount is too low.
    #[error("must be at least {}, the lowest amount that the payment provider charges", .0)]
    TooLow(Money),
    /// The amount is too high.
    #[error("must be at most {}, the highest amount that the payment provider charges", .0)]
    TooHigh(Money),
}

impl ChargeRules {
    /// Creates rules from the limits of each currency; `None` for a currency in which the provider does not charge.
    pub fn new(limits: fn(&Currency) -> Option<ChargeLimits>) -> Self {
        Self { limits }
    }

    /// Checks the price of one unit. A price below the lowest charge is accepted, because an order may have several units.
    ///
    /// # Errors
    /// [`NotChargeable`] if no order at this price can be charged.
    pub fn check_price(&self, price: &Money) -> Result<(), NotChargeable> {
        let limits = self.limits(&price.currency)?;
        let of = |amount| Money { amount, currency: price.currency.clone() };
        if price.amount % limits.step != 0 {
            return Err(NotChargeable::Step(of(limits.step)));
        }
        if price.amount > limits.max {
            return Err(NotChargeable::TooHigh(of(limits.max)));
        }
        Ok(())
    }

    /// Checks the total of an order. A total of 0 needs no charge.
    ///
    /// # Errors
    /// [`NotChargeable`] if the total cannot be charged.
    pub fn check_total(&self, total: &Money) -> Result<(), NotChargeable> {
        if total.amount == 0 {
            return Ok(());
        }
        self.check_price(total)?;
        let min = self.limits(&total.currency)?.min;
        if total.amount < min {
            return Err(NotChargeable::TooLow(Money { amount: min, currency: total.currency.clone() }));
        }
        Ok(())
    }

    /// Checks that the provider charges in a currency.
    ///
    /// # Errors
    /// [`NotChargeable::Currency`] if it never does.
    pub fn check_currency(&self, currency: &Currency) -> Result<(), NotChargeable> {
        self.limits(currency).map(|_| ())
    }

    /// Returns the amount closest to a price that the provider charges, rounded down to what it counts in.
    ///
    /// # Errors
    /// [`NotChargeable::Currency`] if it does not charge in this currency.
    pub fn closest(&self, price: Money) -> Result<Money, NotChargeable> {
        let limits = self.limits(&price.currency)?;
        let whole = price.amount - price.amount.rem_euclid(limits.step);
        Ok(Money { amount: whole.min(limits.max).max(limits.min), ..price })
    }

    fn limits(&self, currency: &Currency) -> Result<ChargeLimits, NotChargeable> {
        (self.limits)(currency).ok_or_else(|| NotChargeable::Currency(currency.clone()))
    }
}

impl Default for ChargeRules {
    fn default() -> Self {
        Self::new(|_| Some(ChargeLimits { step: 1, min: 0, max: i64::MAX }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64) -> Money {
        Money { amount, currency: Currency::parse("USD").unwrap() }
    }

    #[test]
    fn prices_and_totals_are_checked_against_the_limits() {
        let rules = ChargeRules::new(|_| Some(ChargeLimits { step: 10, min: 50, max: 1_000 }));
        for (amount, price, total) in [
            (0, Ok(()), Ok(())),
            (5, Err(NotChargeable::Step(money(10))), Err(NotChargeable::Step(money(10)))),
            (40, Ok(()), Err(NotChargeable::TooLow(money(50)))),
            (50, Ok(()), Ok(())),
            (1_000, Ok(()), Ok(())),
            (1_010, Err(NotChargeable::TooHigh(money(1_000))), Err(NotChargeable::TooHigh(money(1_000)))),
        ] {
            assert_eq!(rules.check_price(&money(amount)), price, "{amount}");
            assert_eq!(rules.check_total(&money(amount)), total, "{amount}");
        }
    }

    #[test]
    fn the_closest_amount_can_be_charged() {
        let rules = ChargeRules::new(|_| Some(ChargeLimits { step: 10, min: 50, max: 1_000 }));
        for (amount, closest) in [(7, 50), (50, 50), (59, 50), (999, 990), (5_000, 1_000)] {
            assert_eq!(rules.closest(money(amount)), Ok(money(closest)), "{amount}");
            assert_eq!(rules.check_total(&money(closest)), Ok(()), "{amount}");
        }
        assert_eq!(ChargeRules::default().closest(money(1_999)), Ok(money(1_999)));
    }

    #[test]
    fn a_currency_without_limits_is_refused_and_the_default_accepts_everything() {
        let none = ChargeRules::new(|_| None);
        assert_eq!(none.check_price(&money(1)), Err(NotChargeable::Currency(money(1).currency)));
        assert_eq!(none.check_currency(&money(1).currency), Err(NotChargeable::Currency(money(1).currency)));
        assert_eq!(none.check_total(&money(0)), Ok(()));
        assert_eq!(ChargeRules::default().check_total(&money(i64::MAX)), Ok(()));
    }

    #[test]
    fn the_reasons_name_the_amount() {
        let text = NotChargeable::TooLow(money(50)).to_string();
        assert_eq!(text, "must be at least 0.50 USD, the lowest amount that the payment provider charges");
    }
}
