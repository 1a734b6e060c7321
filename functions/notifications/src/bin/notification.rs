//! The bundle `notification`: triggered by its queue.

use std::future::ready;
use std::sync::Arc;

use orderflow_lambda::{Bundle, Error, QueueSettings};
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, ProviderSettings, Templates};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, (providers, templates, queue)) = Bundle::start("notification", |reader| {
        let providers = ProviderSettings::read(reader);
        let templates = Templates::read(reader);
        let queue = QueueSettings::read(reader);
        Ok((providers?, templates, queue?))
    })
    .await?;
    let providers = providers.open(ready(bundle.aws().clone())).await;
    bundle.warm(&NOTIFICATIONS).await;
    let consumer = NotificationConsumer::new(bundle.store(), Arc::new(providers), Arc::new(templates));
    bundle.serve_queue(consumer, queue).await
}
