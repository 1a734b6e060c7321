//! The whole-system suite: what a shop sees, whatever the system runs on.
//!
//! A [`Mode`] is a way to run the system. [`suite!`] makes one test of every scenario for a mode; scenarios drive the
//! system through HTTP and let it work with [`Mode::settle`], which returns when nothing is left to do.

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
    /// Starts a system of its own with the demo products, settled.
    fn start(settings: ModeSettings) -> impl Future<Output = Self>;

    /// Sends a request.
    fn call(&self, request: Request<Body>) -> impl Future<Output = Answer>;

    /// Lets the system work until nothing is left to do.
    fn settle(&mut self) -> impl Future<Output = ()>;
}

/// What a scenario wants of the system.
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

/// Makes one test of every scenario for a mode.
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
