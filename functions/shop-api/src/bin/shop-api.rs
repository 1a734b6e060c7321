//! The bundle `shop-api`: triggered by the HTTP API.

use std::sync::Arc;

use orderflow_auth::Access;
use orderflow_catalog::{CATALOG, Catalog, CatalogSettings, claim_currency};
use orderflow_domain::Currency;
use orderflow_lambda::{Bundle, Error};
use orderflow_notifications::Templates;
use orderflow_payments::{FaultSwitch, PaymentProvider, WebhookSecret};
use orderflow_settings::declared::CURRENCY;
use orderflow_settings::{NotAllowed, Reader, Refused};
use orderflow_shop_api::{admin_router, customers_router};
use orderflow_sqs::{Sqs, SqsAdmin, SqsNames};
use utoipa_axum::router::OpenApiRouter;

struct ShopApiSettings {
    access: Access,
    catalog: CatalogSettings,
    currency: Currency,
    payment: PaymentProvider,
    webhook_secret: Option<WebhookSecret>,
    templates: Templates,
}

impl ShopApiSettings {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let access = Access::read(reader);
        let payment = PaymentProvider::read(reader);
        let webhook_secret = PaymentProvider::read_webhook_secret(reader);
        Ok(Self {
            catalog: CatalogSettings::read(reader),
            currency: reader.value(&CURRENCY, |text| Currency::parse(text.trim()).map_err(|_| NotAllowed)),
            templates: Templates::read(reader),
            access: access?,
            payment: payment?,
            webhook_secret: webhook_secret?,
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, settings) = Bundle::start("shop-api", ShopApiSettings::read).await?;
    bundle.warm(&CATALOG).await;
    let ShopApiSettings { access, catalog, currency, payment, webhook_secret, templates } = settings;
    claim_currency(bundle.store(), &currency).await?;
    let (catalog, templates) = (Catalog::new(bundle.store(), &catalog), Arc::new(templates));
    let gateway = payment.gateway(bundle.store(), &FaultSwitch::default())?;
    let webhook = payment.webhook_router(bundle.store(), webhook_secret)?;
    let queues = Sqs::new(bundle.aws(), SqsNames::new(bundle.store().prefix()));
    let rules = payment.charge_rules();
    let queues = Arc::new(SqsAdmin::new(Arc::new(queues)));
    let router = orderflow_shop_api::router(bundle.store(), catalog, currency, rules, gateway, templates)
        .merge(admin_router(queues.clone()))
        .merge(customers_router(bundle.store(), queues))
        .merge(OpenApiRouter::from(webhook));
    bundle.serve_http(router, &access).await
}
