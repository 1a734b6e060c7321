//! Everything in this process, its work done by hand.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use orderflow_embedded::Location;
use orderflow_system::{Settings, System};

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
        system.add_demo_products().await?;
        let router = system.local_router();
        let mut mode = Self { system, router };
        mode.system.drain().await?;
        Ok(mode)
    }
}

impl Mode for EmbeddedMode {
    async fn start(settings: ModeSettings) -> Self {
        let settings = settings.apply(Settings::new(Location::Memory));
        Self::open(settings).await.expect("a system in memory opens")
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        Answer::of(&self.router, request).await
    }

    async fn settle(&mut self) {
        self.system.drain().await.expect("the store in this process answers");
    }
}
