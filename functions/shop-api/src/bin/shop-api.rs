//! The bundle `shop-api`: triggered by the HTTP API.

use std::sync::Arc;

use orderflow_catalog::{CATALOG, Catalog, CatalogSettings};
use orderflow_domain::Currency;
use orderflow_http::with_fallbacks;
use orderflow_lambda::{Error, Host};
use orderflow_notifications::Templates;
use orderflow_payments::{FaultSwitch, PaymentProvider};
use orderflow_shop_api::admin_router;
use orderflow_sqs::{Sqs, SqsAdmin, SqsNames};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("shop-api").await?;
    host.warm(&CATALOG).await;
    let currency = std::env::var("ORDERFLOW_CURRENCY").unwrap_or_else(|_| "USD".to_owned());
    let currency = Currency::parse(&currency).map_err(|error| format!("ORDERFLOW_CURRENCY {error}"))?;
    let templates = Arc::new(Templates::from_environment()?);
    let catalog = Catalog::new(host.store(), &CatalogSettings::from_environment()?);
    let gateway = PaymentProvider::from_environment()?.gateway(host.store(), &FaultSwitch::default())?;
    let queues = Sqs::new(host.aws(), SqsNames::new(host.store().prefix()));
    let router = orderflow_shop_api::router(host.store(), catalog, currency, gateway, templates)
        .merge(admin_router(Arc::new(SqsAdmin::new(Arc::new(queues)))));
    host.serve_http(with_fallbacks(router)).await
}
