//! Charges orders whose units are held, and undoes the charge of orders that are refused.
//!
//! Owns the table `payments`: one row for each order, written once for each step together with the event that tells of
//! it. [`PaymentConsumer`] decides, a [`PaymentGateway`] moves the money, [`router`] shows the rows and tries refunds again that were given up.
//! [`PaymentProvider`] says which gateway: a simulated one, or Stripe.
//!
//! The gateway is the arbiter. Its idempotency key is the order's id, so charging and undoing the same order again
//! does nothing again, and an order that was called off can never be charged afterwards. That is why there is no
//! in-progress row in the normal course, which could outlive the process that wrote it: a process that dies between
//! the charge and its row leaves nothing behind, and whoever gets the event next is told by the gateway what happened.
//!
//! A gateway that is out of order is left alone by a [`GuardedGateway`]. Orders that meet it then are put off without an
//! attempt being counted; a refusal among them is noted first, so that its order is not charged meanwhile. The same becomes of repeats
//! where too much of what the gateway is asked would be repeats.

mod change;
mod consumer;
mod decision;
mod events;
mod fault;
mod gateway;
mod guarded;
mod ledger;
mod list;
mod plan;
mod provider;
mod refund;
mod retry_budget;
mod router;
mod settings;
mod simulated;
mod stripe;
mod table;
mod work;

pub use consumer::PaymentConsumer;
pub use decision::REFUND_FAILED;
pub use events::EVENT_SOURCE;
pub use fault::{FaultSwitch, GatewayFault, UnknownFault};
pub use gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};
pub use guarded::GuardedGateway;
pub use ledger::{LedgerEntry, LedgerStatus};
pub use provider::{PaymentProvider, ProviderError};
pub use router::router;
pub use settings::{SettingsError, SimulatedSettings, SuccessRate, SuccessRateError};
pub use simulated::SimulatedGateway;
pub use stripe::{ApiKey, StripeGateway, StripeSettings};
pub use table::{PAYMENTS, PaymentStatus};
