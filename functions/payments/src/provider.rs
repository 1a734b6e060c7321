//! The choice of the payment provider.

use std::sync::Arc;

use axum::Router;
use orderflow_domain::{ChargeRules, stripe_charge_rules};
use orderflow_settings::declared::{PAYMENT_PROVIDER, STRIPE_API_KEY, STRIPE_WEBHOOK_SECRET};
use orderflow_settings::{NotAllowed, Reader, Refused};
use orderflow_store::Store;

use crate::gateway::{GuardedGateway, PaymentGateway};
use crate::simulated::{FaultSwitch, SimulatedGateway, SimulatedSettings};
use crate::stripe::{StripeGateway, StripeSettings, WebhookSecret, webhook_router};

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
    /// Reads `PAYMENT_PROVIDER` and the settings of both providers.
    ///
    /// # Errors
    /// [`Refused`] if Stripe is chosen and its key is missing or invalid.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let simulated = SimulatedSettings::read(reader);
        let stripe = StripeSettings::read(reader);
        match reader.one_of(&PAYMENT_PROVIDER) {
            Some("stripe") => {
                reader.require(&STRIPE_API_KEY, "by PAYMENT_PROVIDER=stripe", stripe).map(Self::Stripe)
            }
            _ => {
                // A shop with a key expects charges.
                if reader.is_given(&STRIPE_API_KEY) {
                    let _refused = reader.conflict([&STRIPE_API_KEY, &PAYMENT_PROVIDER], |[key, provider]| {
                        format!("{key}: {provider} is the simulated one, which charges no customer; set {provider}=stripe, or leave the key out")
                    });
                }
                Ok(Self::Simulated(simulated))
            }
        }
    }

    /// Returns the rules by which the provider refuses amounts. The simulated provider charges every amount.
    pub fn charge_rules(&self) -> ChargeRules {
        match self {
            Self::Simulated(_) => ChargeRules::default(),
            Self::Stripe(_) => stripe_charge_rules(),
        }
    }

    /// Reads `STRIPE_WEBHOOK_SECRET`, with which the provider signs its events.
    ///
    /// # Errors
    /// [`Refused`] if the secret is set and the provider is not Stripe.
    pub fn read_webhook_secret(reader: &mut Reader<'_>) -> Result<Option<WebhookSecret>, Refused> {
        let secret =
            reader.optional(&STRIPE_WEBHOOK_SECRET, |text| WebhookSecret::parse(text).ok_or(NotAllowed));
        if secret.is_some() && reader.one_of(&PAYMENT_PROVIDER) != Some("stripe") {
            return Err(reader.conflict(
                [&STRIPE_WEBHOOK_SECRET, &PAYMENT_PROVIDER],
                |[secret, provider]| {
                    format!("{secret} is for events of Stripe, so it needs {provider}=stripe")
                },
            ));
        }
        Ok(secret)
    }

    /// Returns the route on which the provider reports what happens to payments later; no route without a secret.
    ///
    /// # Errors
    /// [`ProviderError`] if the HTTP client cannot be created.
    pub fn webhook_router(
        &self,
        store: &Store,
        secret: Option<WebhookSecret>,
    ) -> Result<Router, ProviderError> {
        match (self, secret) {
            (Self::Stripe(settings), Some(secret)) => {
                Ok(webhook_router(store, StripeGateway::new(store, settings)?, secret))
            }
            _ => Ok(Router::new()),
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
    use orderflow_settings::Snapshot;

    use super::*;

    fn read(provider: &str, key: &str) -> Result<PaymentProvider, String> {
        let variables = [(PAYMENT_PROVIDER.variable, provider), (STRIPE_API_KEY.variable, key)];
        let read = orderflow_settings::read(&Snapshot::from_variables(variables), PaymentProvider::read);
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn the_provider_is_simulated_unless_stripe_is_chosen() {
        for provider in ["", "simulated"] {
            assert_eq!(read(provider, ""), Ok(PaymentProvider::default()), "{provider:?}");
        }
        let stripe = read("stripe", "sk_test_1").unwrap();
        assert!(matches!(stripe, PaymentProvider::Stripe(_)), "{stripe:?}");
    }

    #[test]
    fn a_key_of_stripe_is_not_left_unused() {
        for provider in ["", "simulated"] {
            let error = read(provider, "sk_test_1").unwrap_err();
            assert!(error.contains("STRIPE_API_KEY: PAYMENT_PROVIDER is the simulated one"), "{error}");
        }
    }

    #[test]
    fn an_unknown_provider_and_a_missing_key_are_refused() {
        let error = read("paypal", "").unwrap_err();
        assert_eq!(error, r#"PAYMENT_PROVIDER: "paypal" is not one of simulated, stripe"#);
        let error = read("stripe", "").unwrap_err();
        assert!(error.starts_with("STRIPE_API_KEY is required by PAYMENT_PROVIDER=stripe: give "), "{error}");
    }
}
