//! The bundle `order-expiry`: triggered by a schedule.

use std::sync::Arc;

use orderflow_domain::Timestamp;
use orderflow_lambda::{Bundle, Error};
use orderflow_orders::{ExpirySettings, ORDERS, OrderExpiry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, settings) = Bundle::start("order-expiry", |reader| Ok(ExpirySettings::read(reader))).await?;
    bundle.warm(&ORDERS).await;
    let expiry = Arc::new(OrderExpiry::new(bundle.store(), settings));
    bundle
        .serve_schedule(move |time| {
            let expiry = expiry.clone();
            async move { expiry.sweep(Timestamp::now(), time).await.map(drop) }
        })
        .await
}
