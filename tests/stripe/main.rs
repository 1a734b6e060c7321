//! The whole system with Stripe as the payment provider, emulated by localstripe behind a proxy that loses responses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancelled;
mod charged;
mod failures;
mod faults;
mod killed;
mod proxy;
mod refund_failed;
mod shop;
mod webhooks;
