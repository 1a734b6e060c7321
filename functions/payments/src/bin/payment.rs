//! The bundle `payment`: triggered by its queue.

use orderflow_lambda::{Bundle, Error, QueueSettings};
use orderflow_payments::{FaultSwitch, PAYMENTS, PaymentConsumer, PaymentProvider};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, (provider, queue)) = Bundle::start("payment", |reader| {
        let provider = PaymentProvider::read(reader);
        let queue = QueueSettings::read(reader);
        Ok((provider?, queue?))
    })
    .await?;
    bundle.warm(&PAYMENTS).await;
    let gateway = provider.gateway(bundle.store(), &FaultSwitch::default())?;
    let consumer = PaymentConsumer::new(bundle.store(), gateway);
    bundle.serve_queue(consumer, queue).await
}
