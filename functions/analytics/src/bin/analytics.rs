//! The bundle `analytics`: triggered by its queue.

use orderflow_analytics::{ANALYTICS, AnalyticsConsumer};
use orderflow_lambda::{Bundle, Error, QueueSettings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, queue) = Bundle::start("analytics", QueueSettings::read).await?;
    bundle.warm(&ANALYTICS).await;
    let consumer = AnalyticsConsumer::new(bundle.store());
    bundle.serve_queue(consumer, queue).await
}
