//! Everything in this process, its work done by hand.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use orderflow::system::{Settings, System};
use orderflow_embedded::Location;
use orderflow_payments::{SimulatedSettings, SuccessRate};
use tower::ServiceExt;

use crate::{Answer, Mode, ModeSettings};

/// The system in this process over the embedded store.
pub struct EmbeddedMode {
    /// The system.
    pub system: System,
    router: Router,
}

impl EmbeddedMode {
    /// A system with these settings and the demo products, settled.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        let system = System::open(settings).await?;
        system.sell_demo_products().await?;
        let router = system.local_router();
        let mut mode = Self { system, router };
        mode.system.drain().await?;
        Ok(mode)
    }
}

impl Mode for EmbeddedMode {
    async fn start(settings: ModeSettings) -> Self {
        let success_rate = SuccessRate::new(settings.payment_success_rate).expect("scenarios ask for 0 to 1");
        let payment = SimulatedSettings { success_rate, ..SimulatedSettings::default() };
        let settings = Settings { payment, ..Settings::new(Location::Memory) };
        Self::open(settings).await.expect("a system in memory opens")
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("bodies of this process are whole").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn settle(&mut self) {
        self.system.drain().await.expect("the store in this process answers");
    }
}
