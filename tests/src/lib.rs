//! The suite of the whole system, through its HTTP API and independent of store and broker.
//!
//! A [`Mode`] is a way to run the system. [`suite!`] generates a test of every scenario for a mode. Scenarios send requests to the
//! system and call [`Mode::wait_until_idle`], which returns once every event is processed and every order is settled.

pub mod described;
mod embedded_mode;
mod http;
mod live_mode;
pub mod scenarios;
pub mod source_code;
mod test_app;

pub use embedded_mode::EmbeddedMode;
pub use http::Answer;
pub use live_mode::LiveSystem;
pub use test_app::{TestApp, order_body};

use axum::body::Body;
use axum::http::Request;

/// A way to run the system.
pub trait Mode: Sized {
    /// Starts a system with the demo products and waits until it is idle.
    fn start(settings: ModeSettings) -> impl Future<Output = Self>;

    /// Sends a request.
    fn call(&self, request: Request<Body>) -> impl Future<Output = Answer>;

    /// Waits until the system is idle: no event is unpublished, and no message is ready, in flight or delayed.
    fn wait_until_idle(&mut self) -> impl Future<Output = ()>;
}

/// The settings of a scenario.
#[derive(Debug, Clone, Copy)]
pub struct ModeSettings {
    /// The share of charges that succeed.
    pub payment_success_rate: f64,
}

impl Default for ModeSettings {
    fn default() -> Self {
        Self { payment_success_rate: 1.0 }
    }
}

/// Generates a test of every scenario for a mode.
#[macro_export]
macro_rules! suite {
    ($mode:ty) => {
        $crate::suite!(@tests $mode:
            orders: confirmed, out_of_stock, declined, lost_answer, cancelled_while_pending, cancelled_after_confirmation,
                listed, timeline, timeline_of_a_late_cancellation, timeline_of_an_order_out_of_stock, conditional_get,
                several_skus;
            bad_input: orders, products, stock, queries, ids, unknown_sku, limits;
            catalog: snapshot, removed, warmed_up;
            stock: oversell, first_stock, corrections, levels_add_up, twenty_clients;
            idempotency: same_key, other_body, concurrent;
            operation: health, faults, notifications, requested_notification, analytics;
        );
    };
    (@tests $mode:ty: $($module:ident: $($name:ident),*;)*) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::scenarios::$module::$name::<$mode>().await;
            })*
        })*
    };
}
