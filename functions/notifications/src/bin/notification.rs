//! The bundle `notification`: triggered by its queue.

use std::future::ready;
use std::sync::Arc;

use orderflow_lambda::{Error, Host};
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, ProviderSettings, Templates};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("notification").await?;
    let providers = ProviderSettings::from_environment()?.open(ready(host.aws().clone())).await;
    let templates = Arc::new(Templates::from_environment()?);
    host.warm(&NOTIFICATIONS).await;
    let consumer = NotificationConsumer::new(host.store(), Arc::new(providers), templates);
    host.serve_queue(consumer).await
}
