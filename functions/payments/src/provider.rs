//! Which payment provider moves the money.

use std::sync::Arc;

use orderflow_store::Store;

use crate::fault::FaultSwitch;
use crate::gateway::PaymentGateway;
use crate::guarded::GuardedGateway;
use crate::settings::{SettingsError, SimulatedSettings};
use crate::simulated::SimulatedGateway;
use crate::stripe::{StripeGateway, StripeSettings};

const PROVIDER: &str = "PAYMENT_PROVIDER";

/// The payment provider, with its settings.
#[derive(Debug, Clone, PartialEq)]
pub enum PaymentProvider {
    /// One that moves no money.
    Simulated(SimulatedSettings),
    /// Stripe.
    Stripe(StripeSettings),
}

/// The connection to the provider cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the payment provider cannot be reached: {0}")]
pub struct ProviderError(#[from] reqwest::Error);

impl PaymentProvider {
    /// The provider that `PAYMENT_PROVIDER` asks for, with the settings that its own variables ask for.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable that is missing or cannot be used.
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

    /// The way to the provider, behind a circuit breaker. `fault` makes the simulated one misbehave.
    ///
    /// # Errors
    /// [`ProviderError`] where the connection cannot be set up.
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
    fn the_provider_is_simulated_unless_another_is_asked_for() {
        for provider in [None, Some(""), Some("simulated")] {
            assert_eq!(read(provider, None), Ok(PaymentProvider::default()), "{provider:?}");
        }
        let stripe = read(Some("stripe"), Some("sk_test_1")).unwrap();
        assert!(matches!(stripe, PaymentProvider::Stripe(_)), "{stripe:?}");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let error = read(Some("paypal"), None).unwrap_err().to_string();
        assert_eq!(error, r#"PAYMENT_PROVIDER="paypal" must be simulated or stripe"#);
        let error = read(Some("stripe"), None).unwrap_err().to_string();
        assert_eq!(error, "STRIPE_API_KEY has to be set where PAYMENT_PROVIDER is stripe");
    }
}
