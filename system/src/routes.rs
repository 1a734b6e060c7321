//! The HTTP routes of the parts of a system.

use axum::Router;
use orderflow_http::{HealthCheck, HealthFigure, health_router, metrics_router, with_fallbacks};
use orderflow_telemetry::MetricsPage;
use utoipa_axum::router::OpenApiRouter;

use super::expiry::Sweeper;
use super::parts::{ORDER_INTAKE, OUTBOX_RELAY, SHOP_API};
use super::{System, faults};

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
        let mut router = health_router(self.health_checks(), self.health_figures())
            .merge(metrics_router(|| MetricsPage::install().render()));
        if self.parts.contains(ORDER_INTAKE) {
            router = router
                .merge(orderflow_orders::router(&self.store, self.catalog.clone(), self.charge_rules))
                .merge(orderflow_documents::router());
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
                .merge(orderflow_shop_api::admin_router(self.broker.admin()));
        }
        router
    }

    /// Returns the backlog of the relay, if this process runs it.
    fn health_figures(&self) -> Vec<HealthFigure> {
        if self.parts.contains(OUTBOX_RELAY) { self.outbox_backlog().figures() } else { Vec::new() }
    }

    /// Returns the checks of everything that this process needs.
    fn health_checks(&self) -> Vec<HealthCheck> {
        let table = self.store.table(&orderflow_orders::ORDERS);
        let store = HealthCheck::new("store", move || {
            let table = table.clone();
            async move { table.touch().await.is_ok() }
        });
        let broker = self.parts.need_broker().then(|| self.broker.health(&self.parts, self.liveness.clone()));
        let expiry = self.sweeper.as_ref().map(Sweeper::health);
        std::iter::once(store).chain(broker).chain(expiry).collect()
    }
}
