//! Counting analytics anew from the orders.

use anyhow::Context;
use orderflow_analytics::Recount;
use orderflow_domain::EventType;
use orderflow_orders::OrderHistory;
use orderflow_store::Store;

use super::TABLES;
use super::data::{Data, StoreLocation};

/// Counts anew in the store at this place, whether a system works on it or not. Gives the number of orders.
///
/// # Errors
/// As [`recount_store`], and where the store cannot be opened.
pub async fn recount_analytics(location: &StoreLocation, prefix: &str) -> anyhow::Result<usize> {
    let data = Data::open(location, prefix).await?;
    let store = data.store(prefix);
    store.create_missing_tables(TABLES).await.context("the tables cannot be made")?;
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
