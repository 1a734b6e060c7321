//! The bundle `analytics`: triggered by its queue.

use orderflow_analytics::{ANALYTICS, AnalyticsConsumer};
use orderflow_lambda::{Error, Host};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("analytics").await?;
    host.warm(&ANALYTICS).await;
    let consumer = AnalyticsConsumer::new(host.store());
    host.serve_queue(consumer).await
}
