//! The backend over the AWS SDK with the embedded engine behind DynamoDB's protocol.

use std::sync::Arc;

use axum::Router;
use orderflow_bridge::sdk_config;
use orderflow_engine::{Engine, Location, Options};
use orderflow_store::{Backend, DynamoDb};
use orderflow_store_server::{Describe, IndexDescription, TableDescription};
use orderflow_testing::store_conformance::StoreUnderTest;
use tokio::net::TcpListener;

struct OverHttp(Arc<dyn Backend>);

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

pub(crate) fn router(engine: Engine) -> Router {
    orderflow_store_server::router(Arc::new(engine.clone()), Arc::new(Tables(engine)))
}

/// Serves the routes, and returns the URL.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the runtime of the test.
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

impl StoreUnderTest for OverHttp {
    async fn open() -> Self {
        let engine = Engine::open(Options::new(Location::Memory)).unwrap();
        let url = serve(router(engine)).await;
        Self(Arc::new(DynamoDb::unsigned(&sdk_config(Some(&url)).await)))
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.0)
    }
}

orderflow_testing::store_suite!(OverHttp);
