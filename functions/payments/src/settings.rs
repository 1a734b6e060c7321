//! The settings of the simulated gateway.

use std::time::Duration;

const SUCCESS_RATE: &str = "PAYMENT_SUCCESS_RATE";
const LATENCY_MS: &str = "PAYMENT_LATENCY_MS";

/// The share of charges that succeed, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuccessRate(f64);

/// The number or text is no [`SuccessRate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 0 to 1")]
pub struct SuccessRateError;

impl SuccessRate {
    /// All charges succeed.
    pub const ALL: Self = Self(1.0);
    /// No charge succeeds.
    pub const NONE: Self = Self(0.0);

    /// A rate.
    ///
    /// # Errors
    /// [`SuccessRateError`] where it is not from 0 to 1.
    pub fn new(rate: f64) -> Result<Self, SuccessRateError> {
        if (0.0..=1.0).contains(&rate) { Ok(Self(rate)) } else { Err(SuccessRateError) }
    }

    /// Reads a rate.
    ///
    /// # Errors
    /// [`SuccessRateError`] where the text is no number from 0 to 1.
    pub fn parse(text: &str) -> Result<Self, SuccessRateError> {
        Self::new(text.trim().parse().map_err(|_| SuccessRateError)?)
    }

    /// Whether a charge that drew this succeeds. Draws are evenly spread over all values.
    pub(crate) fn admits(self, draw: u32) -> bool {
        f64::from(draw) < self.0 * (f64::from(u32::MAX) + 1.0)
    }
}

/// How the simulated gateway answers when nobody makes it misbehave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedSettings {
    /// The share of charges that succeed (`PAYMENT_SUCCESS_RATE`).
    pub success_rate: SuccessRate,
    /// How long each call takes (`PAYMENT_LATENCY_MS`).
    pub latency: Duration,
}

impl Default for SimulatedSettings {
    fn default() -> Self {
        Self { success_rate: SuccessRate::ALL, latency: Duration::ZERO }
    }
}

/// A setting of the environment that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Its value is not allowed.
    #[error("{name}={value:?} {requirement}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it has to be.
        requirement: String,
    },
    /// Its value is not allowed, and is nobody's business.
    #[error("{name} {requirement}")]
    Secret {
        /// The variable.
        name: &'static str,
        /// What it has to be.
        requirement: &'static str,
    },
    /// It is not set.
    #[error("{name} has to be set where PAYMENT_PROVIDER is stripe")]
    Missing {
        /// The variable.
        name: &'static str,
    },
}

impl SettingsError {
    pub(crate) fn unusable(name: &'static str, value: &str, requirement: impl Into<String>) -> Self {
        Self::Unusable { name, value: value.to_owned(), requirement: requirement.into() }
    }
}

impl SimulatedSettings {
    /// The settings that `PAYMENT_SUCCESS_RATE` and `PAYMENT_LATENCY_MS` ask for.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable that cannot be used.
    pub(crate) fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        if let Some(value) = variable(SUCCESS_RATE) {
            settings.success_rate = SuccessRate::parse(&value)
                .map_err(|error| SettingsError::unusable(SUCCESS_RATE, &value, error.to_string()))?;
        }
        if let Some(value) = variable(LATENCY_MS) {
            let millis = value.trim().parse().map_err(|_| {
                SettingsError::unusable(LATENCY_MS, &value, "must be a whole number of milliseconds")
            })?;
            settings.latency = Duration::from_millis(millis);
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &str) -> Result<SimulatedSettings, SettingsError> {
        SimulatedSettings::from_variables(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn rates_bound_the_draws() {
        assert!(SuccessRate::ALL.admits(u32::MAX));
        assert!(!SuccessRate::NONE.admits(0));
        let half = SuccessRate::parse("0.5").unwrap();
        assert!(half.admits(u32::MAX / 2) && !half.admits(u32::MAX / 2 + 1));
    }

    #[test]
    fn unset_variables_leave_the_defaults() {
        let settings = SimulatedSettings::from_variables(|_| None).unwrap();
        assert_eq!(settings, SimulatedSettings::default());
    }

    #[test]
    fn an_unusable_variable_is_named() {
        for bad in ["", "1.1", "-0.1", "NaN", "half"] {
            let error = read(SUCCESS_RATE, bad).unwrap_err().to_string();
            assert!(error.starts_with(SUCCESS_RATE), "{error}");
        }
        for bad in ["", "-1", "1.5", "1s"] {
            let error = read(LATENCY_MS, bad).unwrap_err().to_string();
            assert!(error.starts_with(LATENCY_MS), "{error}");
        }
        let settings = read(LATENCY_MS, "25").unwrap();
        assert_eq!(settings.latency, Duration::from_millis(25));
    }
}
