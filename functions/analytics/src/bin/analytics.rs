//! The bundle `analytics`: triggered by its queue.

use orderflow_analytics::{ANALYTICS, AnalyticsConsumer};
use orderflow_lambda::{Error, Host, QueueSettings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (host, queue) = Host::start("analytics", QueueSettings::read).await?;
    host.warm(&ANALYTICS).await;
    let consumer = AnalyticsConsumer::new(host.store());
    host.serve_queue(consumer, queue).await
}
