//! Maintenance of a store: its tables, and the rebuild of analytics.

use anyhow::Context;
use orderflow_analytics::{ANALYTICS, Rebuild};
use orderflow_domain::EventType;
use orderflow_engine::{Engine, Location};
use orderflow_orders::{ORDERS, OrderHistory};
use orderflow_store::{Store, TableState};

use super::TABLES;
use super::data::{Data, EmbeddedStore, StoreLocation};

/// Returns the state of the tables whose names begin with `prefix-`; of none if a data directory has no data of the present format. Only reads.
///
/// # Errors
/// If the store cannot be read or does not answer.
pub async fn table_states(location: &StoreLocation, prefix: &str) -> anyhow::Result<Vec<TableState>> {
    let data = match location {
        StoreLocation::Embedded(EmbeddedStore { location: Location::Directory(directory), .. }) => {
            match Engine::outline(directory, &[]).context("the data directory cannot be read")? {
                Some(outline) => Data::over(outline),
                None => return Ok(Vec::new()),
            }
        }
        StoreLocation::Embedded(EmbeddedStore { location: Location::Memory, .. })
        | StoreLocation::Given(_)
        | StoreLocation::Endpoint(_) => Data::open(location).await?,
    };
    Ok(data.store(prefix).table_states(TABLES).await?)
}

/// Creates the missing tables, whose names begin with `prefix-`, and missing indexes.
///
/// # Errors
/// If the store cannot be opened or refuses the request.
pub async fn make_tables(location: &StoreLocation, prefix: &str) -> anyhow::Result<()> {
    create_missing_tables(&Data::open(location).await?.store(prefix)).await
}

/// Creates the missing tables and indexes of a store.
pub(crate) async fn create_missing_tables(store: &Store) -> anyhow::Result<()> {
    store.create_missing_tables(TABLES).await.context("the tables cannot be created")
}

/// Rebuilds analytics in the store at this location, which a running system may use meanwhile. Returns the number of orders.
///
/// # Errors
/// As [`rebuild_analytics_in`], and if the store cannot be opened or lacks the table of orders.
pub async fn rebuild_analytics(location: &StoreLocation, prefix: &str) -> anyhow::Result<usize> {
    let data = Data::open(location).await?;
    let store = data.store(prefix);
    let orders = store.table_states(&[&ORDERS]).await?;
    anyhow::ensure!(
        orders.iter().all(|table| table.exists),
        "the store does not contain the table of orders; check --data-dir or the endpoint, and ORDERFLOW_PREFIX"
    );
    store.create_missing_tables(&[&ANALYTICS]).await.context("the table of analytics cannot be created")?;
    rebuild_analytics_in(&store).await
}

/// Rebuilds analytics from the events of all orders. Returns the number of orders.
///
/// # Errors
/// If the store does not answer, or another rebuild began meanwhile. The earlier figures stay valid then.
pub async fn rebuild_analytics_in(store: &Store) -> anyhow::Result<usize> {
    let rebuild = Rebuild::begin(store).await?;
    // Only after the rebuild began: from then on the consumer counts new events in it too.
    let mut history = OrderHistory::new(store);
    let mut orders = 0;
    while let Some(events) = history.next().await? {
        orders += events.iter().filter(|event| event.event_type() == EventType::OrderPlaced).count();
        rebuild.count(&events).await?;
    }
    rebuild.finish().await?;
    Ok(orders)
}
