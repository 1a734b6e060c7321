//! The bundle `notification`: triggered by its queue.

use orderflow_lambda::{Error, Host};
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, channel_from_environment};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("notification").await?;
    let channel = channel_from_environment()?;
    host.warm(&NOTIFICATIONS).await;
    let consumer = NotificationConsumer::new(host.store(), channel);
    host.serve_queue(consumer).await
}
