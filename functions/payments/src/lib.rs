//! Charges orders whose units are reserved, and reverses the charges of orders that are refused.
//!
//! This service owns the table `payments`, which has one row for each order. A row is written together with the event that
//! it emits. For each delivery, `plan` decides what to do from the row, `execution` calls the [`PaymentGateway`], and
//! `decision` decides from its answer what to write; neither `plan` nor `decision` does any I/O. [`router`] lists payments
//! and retries failed refunds. [`PaymentProvider`] chooses the gateway: a simulated one, or Stripe.
//!
//! The gateway is the arbiter. Its idempotency key is the order's id, so a repeated charge or reversal has no further
//! effect, and an order whose payment was reversed can never be charged afterwards. Therefore no in-progress row is needed,
//! which could outlive the process that wrote it: if a process crashes between the charge and its row, the next delivery of
//! the event gets the result of that charge from the gateway.
//!
//! A [`GuardedGateway`] stops calling a gateway that fails. Deliveries are then deferred, which counts no attempt; a refusal
//! is recorded in the row first, so that its order is not charged in the meantime. Retries are deferred too when they exceed
//! their share of the calls (`gateway::retry_budget`).

mod consumer;
mod decision;
mod events;
mod execution;
mod gateway;
mod personal;
mod plan;
mod provider;
mod refund;
mod request;
mod router;
mod simulated;
mod stripe;
mod table;
mod update;

pub use consumer::PaymentConsumer;
pub use events::EVENT_SOURCE;
pub use execution::REFUND_FAILED;
pub use gateway::{Charge, ChargeRequest, GatewayError, GuardedGateway, PaymentGateway, Reversal};
pub use personal::PersonalPayments;
pub use provider::{PaymentProvider, ProviderError};
pub use router::router;
pub use simulated::{
    FaultSwitch, GatewayFault, SimulatedCharge, SimulatedChargeStatus, SimulatedGateway, SimulatedSettings,
    SuccessRate, SuccessRateError, UnknownFault,
};
pub use stripe::{ApiKey, STRIPE_WEBHOOK, StripeGateway, StripeSettings, WebhookSecret};
pub use table::{PAYMENTS, PaymentStatus};
