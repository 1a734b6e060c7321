//! The choice of the payment provider.

use std::sync::Arc;

use orderflow_store::Store;

use crate::gateway::{GuardedGateway, PaymentGateway};
use crate::settings::{SettingsError, SimulatedSettings};
use crate::simulated::{FaultSwitch, SimulatedGateway};
use crate::stripe::{StripeGateway, StripeSettings};

const PROVIDER: &str = "PAYMENT_PROVIDER";

/// The payment provider, with its settings.
#[derive(Debug, Clone, PartialEq)]
pub enum PaymentProvider {
    /// A simulated provider, which moves no money.
    Simulated(SimulatedSettings),
    /// Stripe.
    Stripe(StripeSettings),
}

/// The HTTP client of the provider cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client of the payment provider cannot be created: {0}")]
pub struct ProviderError(#[from] reqwest::Error);

impl PaymentProvider {
    /// Reads the provider from `PAYMENT_PROVIDER`, and its settings from its own variables.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable that is missing or invalid.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        match variable(PROVIDER).as_deref() {
            None | Some("" | "simulated") => SimulatedSettings::from_variables(variable).map(Self::Simulated),
            Some("stripe") => StripeSettings::from_variables(variable).map(Self::Stripe),
            Some(other) => Err(SettingsError::unusable(PROVIDER, other, "must be simulated or stripe")),
        }
    }

    /// Creates the gateway to the provider, behind a circuit breaker. `fault` injects faults into the simulated provider.
    ///
    /// # Errors
    /// [`ProviderError`] if the HTTP client cannot be created.
    pub fn gateway(
        &self,
        store: &Store,
        fault: &FaultSwitch,
    ) -> Result<Arc<dyn PaymentGateway>, ProviderError> {
        Ok(match self {
            Self::Simulated(settings) => {
                Arc::new(GuardedGateway::new(SimulatedGateway::new(store, *settings, fault.clone())))
            }
            Self::Stripe(settings) => Arc::new(GuardedGateway::new(StripeGateway::new(store, settings)?)),
        })
    }
}

impl Default for PaymentProvider {
    fn default() -> Self {
        Self::Simulated(SimulatedSettings::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(provider: Option<&str>, key: Option<&str>) -> Result<PaymentProvider, SettingsError> {
        PaymentProvider::from_variables(|name| match name {
            PROVIDER => provider.map(str::to_owned),
            "STRIPE_API_KEY" => key.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn the_provider_is_simulated_by_default() {
        for provider in [None, Some(""), Some("simulated")] {
            assert_eq!(read(provider, None), Ok(PaymentProvider::default()), "{provider:?}");
        }
        let stripe = read(Some("stripe"), Some("sk_test_1")).unwrap();
        assert!(matches!(stripe, PaymentProvider::Stripe(_)), "{stripe:?}");
    }

    #[test]
    fn an_invalid_or_missing_variable_is_named() {
        let error = read(Some("paypal"), None).unwrap_err().to_string();
        assert_eq!(error, r#"PAYMENT_PROVIDER="paypal" must be simulated or stripe"#);
        let error = read(Some("stripe"), None).unwrap_err().to_string();
        assert_eq!(error, "STRIPE_API_KEY has to be set where PAYMENT_PROVIDER is stripe");
    }
}
