//! The bundle `order-tracker`: triggered by its queue.

use orderflow_lambda::{Error, Host, QueueSettings};
use orderflow_orders::{ORDERS, OrderTracker};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (host, queue) = Host::start("order-tracker", QueueSettings::read).await?;
    host.warm(&ORDERS).await;
    let tracker = OrderTracker::new(host.store());
    host.serve_queue(tracker, queue).await
}
