//! `shop-api`: the combined routers of catalog, inventory, payments, notifications and analytics, and the operators' routes.

mod admin;
mod customers;

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_catalog::Catalog;
use orderflow_domain::{ChargeRules, Currency, Sku};
use orderflow_inventory::FirstStock;
use orderflow_notifications::Templates;
use orderflow_payments::PaymentGateway;
use orderflow_store::{Store, StoreError};
use utoipa_axum::router::OpenApiRouter;

pub use admin::admin_router;
pub use customers::customers_router;

/// Returns the routes of the shop, without fallbacks. Prices are in `currency`, and accepted by `charge_rules`. A product changed through them is visible in `catalog` at once. `gateway`
/// makes the refunds that an operator requests; `templates` renders the messages that a caller requests.
pub fn router(
    store: &Store,
    catalog: Catalog,
    currency: Currency,
    charge_rules: ChargeRules,
    gateway: Arc<dyn PaymentGateway>,
    templates: Arc<Templates>,
) -> OpenApiRouter {
    let first_stock = Arc::new(CatalogStock(catalog.clone()));
    orderflow_catalog::router(store, catalog, currency.clone(), charge_rules)
        .merge(orderflow_inventory::router(store, first_stock))
        .merge(orderflow_payments::router(store, gateway))
        .merge(orderflow_notifications::router(store, templates))
        .merge(orderflow_analytics::router(store, currency))
}

/// Returns the stock of products whose `product.created` has not reached inventory yet, so that the stock of a SKU can be read and corrected as soon as
/// the product exists.
struct CatalogStock(Catalog);

#[async_trait]
impl FirstStock for CatalogStock {
    async fn first_stock(&self, sku: &Sku) -> Result<Option<i64>, StoreError> {
        let found = self.0.find(std::slice::from_ref(sku)).await?;
        Ok(found.into_iter().next().map(|product| product.stock))
    }
}
