//! The bundle `order-tracker`: triggered by its queue.

use orderflow_lambda::{Bundle, Error, QueueSettings};
use orderflow_orders::{ORDERS, OrderTracker};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, queue) = Bundle::start("order-tracker", QueueSettings::read).await?;
    bundle.warm(&ORDERS).await;
    let tracker = OrderTracker::new(bundle.store());
    bundle.serve_queue(tracker, queue).await
}
