//! `shop-api`: the routers of catalog, inventory, payments, notifications and analytics, put together, and those of operators.

mod admin;

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_catalog::Catalog;
use orderflow_domain::{Currency, Sku};
use orderflow_inventory::FirstStock;
use orderflow_notifications::Templates;
use orderflow_payments::PaymentGateway;
use orderflow_store::{Store, StoreError};
use utoipa_axum::router::OpenApiRouter;

pub use admin::admin_router;

/// The routes of the shop, without fallbacks. Prices are in `currency`; `catalog` sees at once what is changed through them;
/// refunds that failed are tried again through `gateway`; messages that somebody asks for are made from `templates`.
pub fn router(
    store: &Store,
    catalog: Catalog,
    currency: Currency,
    gateway: Arc<dyn PaymentGateway>,
    templates: Arc<Templates>,
) -> OpenApiRouter {
    let first_stock = Arc::new(CatalogStock(catalog.clone()));
    orderflow_catalog::router(store, catalog, currency.clone())
        .merge(orderflow_inventory::router(store, first_stock))
        .merge(orderflow_payments::router(store, gateway))
        .merge(orderflow_notifications::router(store, templates))
        .merge(orderflow_analytics::router(store, currency))
}

/// Tells inventory of products whose `product.created` is on its way, so that a sku can be looked at and corrected from the
/// moment it is created.
struct CatalogStock(Catalog);

#[async_trait]
impl FirstStock for CatalogStock {
    async fn first_stock(&self, sku: &Sku) -> Result<Option<i64>, StoreError> {
        let found = self.0.find(std::slice::from_ref(sku)).await?;
        Ok(found.into_iter().next().map(|product| product.stock))
    }
}
