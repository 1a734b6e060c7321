//! The bundle `payment`: triggered by its queue.

use orderflow_lambda::{Error, Host, QueueSettings};
use orderflow_payments::{FaultSwitch, PAYMENTS, PaymentConsumer, PaymentProvider};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (host, (provider, queue)) = Host::start("payment", |reader| {
        let provider = PaymentProvider::read(reader);
        let queue = QueueSettings::read(reader);
        Ok((provider?, queue?))
    })
    .await?;
    host.warm(&PAYMENTS).await;
    let gateway = provider.gateway(host.store(), &FaultSwitch::default())?;
    let consumer = PaymentConsumer::new(host.store(), gateway);
    host.serve_queue(consumer, queue).await
}
