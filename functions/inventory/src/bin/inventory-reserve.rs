//! The bundle `inventory-reserve`: triggered by its queue.

use orderflow_inventory::{INVENTORY, InventoryConsumer, InventorySettings};
use orderflow_lambda::{Error, Host};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let host = Host::start("inventory-reserve").await?;
    host.warm(&INVENTORY).await;
    let consumer = InventoryConsumer::new(host.store(), InventorySettings::from_environment()?);
    host.serve_queue(consumer).await
}
