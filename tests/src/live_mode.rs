//! A system in this process whose parts run by themselves.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use orderflow_payments::{PaymentProvider, SimulatedSettings, SuccessRate};
use orderflow_system::{IdleProbe, Running, Settings, System};

use crate::{Answer, ModeSettings};

/// The longest time to wait until the system is idle.
const PATIENCE: Duration = Duration::from_secs(120);

/// The number of consecutive checks that must find the system idle: a single check misses messages on their way between broker and process.
const IDLE_CHECKS: usize = 5;

/// A running system. Dropping it ends it abruptly, as a kill would.
pub struct LiveSystem {
    router: Router,
    idle: IdleProbe,
    _running: Running,
}

impl LiveSystem {
    /// Starts a system with the demo products and waits until it is idle.
    ///
    /// # Errors
    /// The system cannot be opened.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let system = System::open(settings).await?;
        system.add_demo_products().await?;
        let (router, idle) = (system.local_router(), system.idle_probe());
        let live = Self { router, idle, _running: system.start() };
        live.wait_until_idle().await;
        Ok(live)
    }

    /// Returns the router, for a test that listens on a port.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Sends a request.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        Answer::of(&self.router, request).await
    }

    /// Waits until the system is idle.
    pub async fn wait_until_idle(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut idle = 0;
        while idle < IDLE_CHECKS {
            assert!(Instant::now() < deadline, "the system did not become idle");
            match self.idle.is_idle().await {
                Ok(true) => idle += 1,
                Ok(false) | Err(_) => idle = 0,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl ModeSettings {
    /// Applies the settings of a scenario.
    pub fn apply(self, settings: Settings) -> Settings {
        let success_rate =
            SuccessRate::new(self.payment_success_rate).expect("the success rate is between 0 and 1");
        let simulated = SimulatedSettings { success_rate, ..SimulatedSettings::default() };
        Settings { payment: PaymentProvider::Simulated(simulated), ..settings }
    }
}
