//! The bundle `notification`: triggered by its queue.

use std::sync::Arc;

use orderflow_lambda::{Error, Host};
use orderflow_notifications::{LogChannel, NOTIFICATIONS, NotificationConsumer};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("notification").await?;
    host.warm(&NOTIFICATIONS).await;
    let consumer = NotificationConsumer::new(host.store(), Arc::new(LogChannel));
    host.serve_queue(consumer).await
}
