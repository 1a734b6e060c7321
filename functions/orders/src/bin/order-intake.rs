//! The bundle `order-intake`: triggered by the HTTP API.

use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_http::{HealthCheck, health_router, with_fallbacks};
use orderflow_lambda::{Error, Host};
use orderflow_orders::{ORDERS, router};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (host, settings) = Host::start("order-intake", |reader| Ok(CatalogSettings::read(reader))).await?;
    host.warm(&ORDERS).await;
    let catalog = Catalog::new(host.store(), &settings);
    if let Err(error) = catalog.warm_up_all().await {
        tracing::warn!(%error, "catalog cache not filled");
    }
    let table = host.store().table(&ORDERS);
    let store = HealthCheck::new("store", move || {
        let table = table.clone();
        async move { table.touch().await.is_ok() }
    });
    let router = router(host.store(), catalog)
        .merge(health_router(vec![store], Vec::new()))
        .merge(orderflow_documents::router());
    host.serve_http(with_fallbacks(router)).await
}
