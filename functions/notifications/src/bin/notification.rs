//! The bundle `notification`: triggered by its queue.

use std::future::ready;
use std::sync::Arc;

use orderflow_lambda::{Error, Host, QueueSettings};
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, ProviderSettings, Templates};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (host, (providers, templates, queue)) = Host::start("notification", |reader| {
        let providers = ProviderSettings::read(reader);
        let templates = Templates::read(reader);
        let queue = QueueSettings::read(reader);
        Ok((providers?, templates, queue?))
    })
    .await?;
    let providers = providers.open(ready(host.aws().clone())).await;
    host.warm(&NOTIFICATIONS).await;
    let consumer = NotificationConsumer::new(host.store(), Arc::new(providers), Arc::new(templates));
    host.serve_queue(consumer, queue).await
}
