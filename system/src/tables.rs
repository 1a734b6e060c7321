//! Creating and inspecting the tables without a system.

use anyhow::Context;
use orderflow_store::{Store, TableState};

use super::data::Data;
use super::{StoreLocation, TABLES};

/// Returns the state of the tables whose names begin with `prefix-`.
///
/// # Errors
/// If the store cannot be opened or does not answer.
pub async fn table_states(location: &StoreLocation, prefix: &str) -> anyhow::Result<Vec<TableState>> {
    let store = Data::open(location, prefix).await?.store(prefix);
    Ok(store.table_states(TABLES).await?)
}

/// Creates the missing tables, whose names begin with `prefix-`, and missing indexes.
///
/// # Errors
/// If the store cannot be opened or refuses the request.
pub async fn make_tables(location: &StoreLocation, prefix: &str) -> anyhow::Result<()> {
    make(&Data::open(location, prefix).await?.store(prefix)).await
}

pub(crate) async fn make(store: &Store) -> anyhow::Result<()> {
    store.create_missing_tables(TABLES).await.context("the tables cannot be created")
}
