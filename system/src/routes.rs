//! The HTTP routes of the parts of a system.

use axum::Router;
use orderflow_http::{health_router, metrics_router, with_fallbacks};
use orderflow_telemetry::MetricsPage;
use utoipa_axum::router::OpenApiRouter;

use super::parts::{ORDER_INTAKE, SHOP_API};
use super::{System, faults, live, pauses};

impl System {
    /// Returns the router for loopback, which includes the route for injecting faults.
    pub fn local_router(&self) -> Router {
        with_fallbacks(self.local_routes())
    }

    /// Returns the routes of [`Self::local_router`] with their descriptions.
    pub fn local_routes(&self) -> OpenApiRouter {
        let faults = faults::router(self.broker.switch().clone(), self.gateway_fault.clone());
        self.routes().merge(faults)
    }

    /// Returns the router without the route for injecting faults.
    pub fn router(&self) -> Router {
        with_fallbacks(self.routes())
    }

    /// Returns the routes of [`Self::router`] with their descriptions.
    pub fn routes(&self) -> OpenApiRouter {
        let health = self.health();
        let mut router =
            health_router(health.clone()).merge(metrics_router(|| MetricsPage::install().render()));
        if self.parts.contains(ORDER_INTAKE) {
            router = router
                .merge(orderflow_orders::router(&self.store, self.catalog.clone(), self.charge_rules))
                .merge(orderflow_documents::router())
                .merge(orderflow_api_page::router());
        }
        if self.parts.contains(SHOP_API) {
            router = router
                .merge(orderflow_shop_api::router(
                    &self.store,
                    self.catalog.clone(),
                    self.currency.clone(),
                    self.charge_rules,
                    self.gateway.clone(),
                    self.templates.clone(),
                ))
                .merge(orderflow_shop_api::admin_router(self.broker.admin()))
                .merge(pauses::router(self.pauses.clone()))
                .merge(live::router(live::Reporter::new(health, self.broker.admin(), self.feed.clone())))
                .merge(orderflow_shop_api::customers_router(&self.store, self.broker.admin()))
                .merge(OpenApiRouter::from(self.webhook.clone()))
                .merge(OpenApiRouter::from(orderflow_console::router()));
        }
        router
    }
}
