//! The embedded engine behind DynamoDB's protocol.

use std::sync::Arc;

use axum::Router;
use orderflow_engine::Engine;
use orderflow_store_server::{Describe, IndexDescription, TableDescription};

/// Returns the router that serves an engine to other processes.
pub fn protocol_of(engine: Engine) -> Router {
    orderflow_store_server::router(Arc::new(engine.clone()), Arc::new(Tables(engine)))
}

struct Tables(Engine);

impl Describe for Tables {
    fn describe(&self, table: &str) -> Option<TableDescription> {
        let table = self.0.describe(table)?;
        let index = |(name, hash, range)| IndexDescription { name, hash, range };
        Some(TableDescription {
            hash: table.hash,
            range: table.range,
            indexes: table.indexes.into_iter().map(index).collect(),
            stream_shard: table.stream_shard.map(str::to_owned),
            created_at: table.created_at,
        })
    }
}
