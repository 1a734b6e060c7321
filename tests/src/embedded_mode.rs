//! The system in this process, whose work runs only when a test asks for it.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use orderflow_engine::Location;
use orderflow_system::{Settings, System};

use crate::{Answer, Mode, ModeSettings};

/// The system in this process over the embedded store. Its parts do not run by themselves: [`Mode::wait_until_idle`] runs them.
pub struct EmbeddedMode {
    /// The system.
    pub system: System,
    router: Router,
}

impl EmbeddedMode {
    /// Opens a system with these settings and the demo products, and processes all events.
    ///
    /// # Errors
    /// The system cannot be opened.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        let system = System::open(settings).await?;
        system.add_demo_products().await?;
        let router = system.local_router();
        let mut mode = Self { system, router };
        mode.system.run_until_idle().await?;
        Ok(mode)
    }
}

impl Mode for EmbeddedMode {
    async fn start(settings: ModeSettings) -> Self {
        let settings = settings.apply(Settings::new(Location::Memory));
        Self::open(settings).await.expect("open a system in memory")
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        Answer::of(&self.router, request).await
    }

    async fn wait_until_idle(&mut self) {
        self.system.run_until_idle().await.expect("process all events");
    }
}
