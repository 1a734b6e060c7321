//! The bundle `payment`: triggered by its queue.

use orderflow_lambda::{Error, Host};
use orderflow_payments::{FaultSwitch, PAYMENTS, PaymentConsumer, PaymentProvider};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("payment").await?;
    host.warm(&PAYMENTS).await;
    let gateway = PaymentProvider::from_environment()?.gateway(host.store(), &FaultSwitch::default())?;
    let consumer = PaymentConsumer::new(host.store(), gateway);
    host.serve_queue(consumer).await
}
