//! The bundle `order-intake`: triggered by the HTTP API.

use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_http::{HealthCheck, health_router, with_fallbacks};
use orderflow_lambda::{Bundle, Error};
use orderflow_orders::{ORDERS, router};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, settings) =
        Bundle::start("order-intake", |reader| Ok(CatalogSettings::read(reader))).await?;
    bundle.warm(&ORDERS).await;
    let catalog = Catalog::new(bundle.store(), &settings);
    if let Err(error) = catalog.warm_up_all().await {
        tracing::warn!(%error, "catalog cache not filled");
    }
    let table = bundle.store().table(&ORDERS);
    let store = HealthCheck::new("store", move || {
        let table = table.clone();
        async move { table.touch().await.is_ok() }
    });
    let router = router(bundle.store(), catalog)
        .merge(health_router(vec![store], Vec::new()))
        .merge(orderflow_documents::router());
    bundle.serve_http(with_fallbacks(router)).await
}
