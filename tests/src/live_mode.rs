//! A system in this process that works by itself.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use orderflow_payments::{PaymentProvider, SimulatedSettings, SuccessRate};
use orderflow_system::{IdleProbe, Running, Settings, System};

use crate::{Answer, ModeSettings};

/// How long anything may take that has to happen at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often in a row nothing may be left to do before that is believed: messages between broker and process are seen by neither.
const LOOKS: usize = 5;

/// A system whose parts work by themselves; as good as killed when dropped.
pub struct LiveSystem {
    router: Router,
    idle: IdleProbe,
    _running: Running,
}

impl LiveSystem {
    /// A system at work with the demo products, settled.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let system = System::open(settings).await?;
        system.add_demo_products().await?;
        let (router, idle) = (system.local_router(), system.idle_probe());
        let live = Self { router, idle, _running: system.start() };
        live.settle().await;
        Ok(live)
    }

    /// Sends a request.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        Answer::of(&self.router, request).await
    }

    /// Waits until nothing is left to do.
    pub async fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut idle = 0;
        while idle < LOOKS {
            assert!(Instant::now() < deadline, "it never settled");
            match self.idle.is_idle().await {
                Ok(true) => idle += 1,
                Ok(false) | Err(_) => idle = 0,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl ModeSettings {
    /// Settings with what a scenario wants.
    pub fn apply(self, settings: Settings) -> Settings {
        let success_rate = SuccessRate::new(self.payment_success_rate).expect("scenarios ask for 0 to 1");
        let simulated = SimulatedSettings { success_rate, ..SimulatedSettings::default() };
        Settings { payment: PaymentProvider::Simulated(simulated), ..settings }
    }
}
