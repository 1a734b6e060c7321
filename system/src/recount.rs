//! Counting analytics anew from the orders.

use anyhow::Context;
use orderflow_analytics::{ANALYTICS, Recount};
use orderflow_domain::EventType;
use orderflow_orders::{ORDERS, OrderHistory};
use orderflow_store::Store;

use super::data::{Data, StoreLocation};

/// Counts anew in the store at this place, whether a system works on it or not. Gives the number of orders.
///
/// # Errors
/// As [`recount_store`], and where the store cannot be opened or has no orders.
pub async fn recount_analytics(location: &StoreLocation, prefix: &str) -> anyhow::Result<usize> {
    let data = Data::open(location, prefix).await?;
    let store = data.store(prefix);
    let orders = store.table_states(&[&ORDERS]).await?;
    anyhow::ensure!(
        orders.iter().all(|table| table.exists),
        "there are no orders here: --data-dir, an endpoint and ORDERFLOW_PREFIX say where they are"
    );
    store.create_missing_tables(&[&ANALYTICS]).await.context("the table cannot be made")?;
    recount_store(&store).await
}

/// Counts anew what the orders of this store have told. Gives their number.
///
/// # Errors
/// Where the store does not answer, or another recount began meanwhile. What was counted before is valid then.
pub async fn recount_store(store: &Store) -> anyhow::Result<usize> {
    let recount = Recount::begin(store).await?;
    // Only now: what is told from here on is counted by whoever is told.
    let mut history = OrderHistory::new(store);
    let mut orders = 0;
    while let Some(events) = history.next().await? {
        orders += events.iter().filter(|event| event.event_type() == EventType::OrderPlaced).count();
        recount.count(&events).await?;
    }
    recount.finish().await?;
    Ok(orders)
}
