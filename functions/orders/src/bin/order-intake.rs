//! The bundle `order-intake`: triggered by the HTTP API.

use orderflow_auth::Access;
use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_domain::{ChargeRules, stripe_charge_rules};
use orderflow_http::{HealthCheck, health_router};
use orderflow_lambda::{Bundle, Error};
use orderflow_orders::{ORDERS, router};
use orderflow_settings::Reader;
use orderflow_settings::declared::PAYMENT_PROVIDER;

/// Reads the rules of the payment provider.
fn charge_rules(reader: &mut Reader<'_>) -> ChargeRules {
    match reader.one_of(&PAYMENT_PROVIDER) {
        Some("stripe") => stripe_charge_rules(),
        _ => ChargeRules::default(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, (settings, charge_rules, access)) = Bundle::start("order-intake", |reader| {
        let access = Access::read(reader);
        Ok((CatalogSettings::read(reader), charge_rules(reader), access?))
    })
    .await?;
    bundle.warm(&ORDERS).await;
    let catalog = Catalog::new(bundle.store(), &settings);
    if let Err(error) = catalog.warm_up_all().await {
        tracing::warn!(%error, "catalog cache not filled");
    }
    let table = bundle.store().table(&ORDERS);
    let store = HealthCheck::new("store", move || {
        let table = table.clone();
        async move { table.touch().await }
    });
    let router = router(bundle.store(), catalog, charge_rules)
        .merge(health_router(store))
        .merge(orderflow_documents::router());
    bundle.serve_http(router, &access).await
}
