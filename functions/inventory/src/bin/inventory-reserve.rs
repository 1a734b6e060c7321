//! The bundle `inventory-reserve`: triggered by its queue.

use orderflow_inventory::{INVENTORY, InventoryConsumer, InventorySettings};
use orderflow_lambda::{Error, Host, QueueSettings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (host, (inventory, queue)) = Host::start("inventory-reserve", |reader| {
        Ok((InventorySettings::read(reader), QueueSettings::read(reader)?))
    })
    .await?;
    host.warm(&INVENTORY).await;
    let consumer = InventoryConsumer::new(host.store(), inventory);
    host.serve_queue(consumer, queue).await
}
