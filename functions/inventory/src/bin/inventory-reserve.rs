//! The bundle `inventory-reserve`: triggered by its queue.

use orderflow_inventory::{INVENTORY, InventoryConsumer, InventorySettings};
use orderflow_lambda::{Bundle, Error, QueueSettings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bundle, (inventory, queue)) = Bundle::start("inventory-reserve", |reader| {
        Ok((InventorySettings::read(reader), QueueSettings::read(reader)?))
    })
    .await?;
    bundle.warm(&INVENTORY).await;
    let consumer = InventoryConsumer::new(bundle.store(), inventory);
    bundle.serve_queue(consumer, queue).await
}
