//! The bundle `payment`: triggered by its queue.

use std::sync::Arc;

use orderflow_lambda::{Error, Host};
use orderflow_payments::{
    FaultSwitch, GuardedGateway, PAYMENTS, PaymentConsumer, SimulatedGateway, SimulatedSettings,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("payment").await?;
    host.warm(&PAYMENTS).await;
    let settings = SimulatedSettings::from_environment()?;
    let gateway = SimulatedGateway::new(host.store(), settings, FaultSwitch::default());
    let consumer = PaymentConsumer::new(host.store(), Arc::new(GuardedGateway::new(gateway)));
    host.serve_queue(consumer).await
}
