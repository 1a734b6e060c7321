//! The settings of the simulated gateway.

use std::time::Duration;

use orderflow_settings::declared::{PAYMENT_LATENCY_MS, PAYMENT_SUCCESS_RATE};
use orderflow_settings::{NotAllowed, Reader, defaults};

/// The share of charges that succeed, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuccessRate(f64);

/// The value is not a [`SuccessRate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 0 to 1")]
pub struct SuccessRateError;

impl SuccessRate {
    /// All charges succeed.
    pub const ALL: Self = Self(1.0);
    /// No charge succeeds.
    pub const NONE: Self = Self(0.0);

    /// Creates a rate.
    ///
    /// # Errors
    /// [`SuccessRateError`] if it is not from 0 to 1.
    pub fn new(rate: f64) -> Result<Self, SuccessRateError> {
        if (0.0..=1.0).contains(&rate) { Ok(Self(rate)) } else { Err(SuccessRateError) }
    }

    /// Parses a rate.
    ///
    /// # Errors
    /// [`SuccessRateError`] if the text is not a number from 0 to 1.
    pub fn parse(text: &str) -> Result<Self, SuccessRateError> {
        Self::new(text.trim().parse().map_err(|_| SuccessRateError)?)
    }

    /// Returns whether the charge with this pseudo-random number succeeds. The numbers are distributed evenly over all values.
    pub(super) fn admits(self, draw: u32) -> bool {
        f64::from(draw) < self.0 * (f64::from(u32::MAX) + 1.0)
    }
}

/// The settings of the simulated gateway. They apply while no fault is injected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedSettings {
    /// The share of charges that succeed (`PAYMENT_SUCCESS_RATE`).
    pub success_rate: SuccessRate,
    /// The latency of each call (`PAYMENT_LATENCY_MS`).
    pub latency: Duration,
}

impl Default for SimulatedSettings {
    fn default() -> Self {
        defaults(Self::read)
    }
}

impl SimulatedSettings {
    /// Reads `PAYMENT_SUCCESS_RATE` and `PAYMENT_LATENCY_MS`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            success_rate: reader
                .value(&PAYMENT_SUCCESS_RATE, |text| SuccessRate::parse(text).map_err(|_| NotAllowed)),
            latency: reader.milliseconds(&PAYMENT_LATENCY_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{Setting, Snapshot};

    use super::*;

    fn read(setting: &'static Setting, value: &str) -> Result<SimulatedSettings, String> {
        let snapshot = Snapshot::from_variables([(setting.variable, value)]);
        let settings = orderflow_settings::read(&snapshot, |reader| Ok(SimulatedSettings::read(reader)));
        settings.map_err(|error| error.to_string())
    }

    #[test]
    fn a_rate_admits_its_share_of_charges() {
        assert!(SuccessRate::ALL.admits(u32::MAX));
        assert!(!SuccessRate::NONE.admits(0));
        let half = SuccessRate::parse("0.5").unwrap();
        assert!(half.admits(u32::MAX / 2) && !half.admits(u32::MAX / 2 + 1));
    }

    #[test]
    fn by_default_every_charge_succeeds_at_once() {
        let defaults = SimulatedSettings { success_rate: SuccessRate::ALL, latency: Duration::ZERO };
        assert_eq!(SimulatedSettings::default(), defaults);
        assert_eq!(read(&PAYMENT_SUCCESS_RATE, "").unwrap(), defaults);
    }

    #[test]
    fn an_invalid_value_is_refused() {
        for bad in ["1.1", "-0.1", "NaN", "half"] {
            let error = read(&PAYMENT_SUCCESS_RATE, bad).unwrap_err();
            assert_eq!(error, format!("PAYMENT_SUCCESS_RATE: {bad:?} is not a number from 0 to 1"));
        }
        for bad in ["-1", "1.5", "1s"] {
            let error = read(&PAYMENT_LATENCY_MS, bad).unwrap_err();
            assert_eq!(error, format!("PAYMENT_LATENCY_MS: {bad:?} is not a whole number of milliseconds"));
        }
        assert_eq!(read(&PAYMENT_LATENCY_MS, "25").unwrap().latency, Duration::from_millis(25));
    }
}
