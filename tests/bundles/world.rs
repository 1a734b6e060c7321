//! The environment of the bundles of one test.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use orderflow_embedded::Embedded;
use orderflow_store::Store;
use orderflow_system::TABLES;
use orderflow_testing::rie::RuntimeEmulator;
use tokio::net::TcpListener;

use crate::cloud::Cloud;
use crate::recorder::{self, Recording, Upstream};

/// All bundles.
pub(crate) const BUNDLES: [&str; 9] = [
    "analytics",
    "inventory-reserve",
    "notification",
    "order-expiry",
    "order-intake",
    "order-tracker",
    "outbox-relay",
    "payment",
    "shop-api",
];

/// Not the default prefix, so that a bundle that ignores the setting finds no table.
pub(crate) const PREFIX: &str = "bundled";

/// A DynamoDB with every table, and a topic with every queue.
pub(crate) struct World {
    pub embedded: Embedded,
    pub store: Store,
    pub cloud: Cloud,
    dynamodb: String,
    /// The requests of the bundles.
    pub recording: Arc<Mutex<Recording>>,
}

impl World {
    pub(crate) async fn open() -> Self {
        let embedded = Embedded::in_memory().unwrap();
        let store = Store::new(embedded.backend(), PREFIX);
        store.create_missing_tables(TABLES).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let dynamodb = format!("http://{}", listener.local_addr().unwrap());
        // Ends with the runtime of the test.
        tokio::spawn(axum::serve(listener, embedded.router()).into_future());
        let cloud = Cloud::open(&tool("ORDERFLOW_MINISTACK")).await;
        Self { embedded, store, cloud, dynamodb, recording: Arc::default() }
    }

    /// Returns the endpoint of DynamoDB.
    pub(crate) fn dynamodb(&self) -> &str {
        &self.dynamodb
    }

    /// Starts a bundle with the variables that the template and Lambda set.
    pub(crate) async fn start(&self, bundle: &str) -> RuntimeEmulator {
        self.start_with(bundle, &[]).await
    }

    /// Starts a bundle with further variables.
    pub(crate) async fn start_with(
        &self,
        bundle: &str,
        variables: &[(&'static str, &str)],
    ) -> RuntimeEmulator {
        let upstream = Upstream { dynamodb: self.dynamodb.clone(), others: self.cloud.endpoint().to_owned() };
        let mut environment = vec![
            ("AWS_ENDPOINT_URL", recorder::open(bundle, upstream, self.recording.clone()).await),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("ORDERFLOW_PREFIX", PREFIX.to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
            // Retries are immediate.
            ("ORDERFLOW_RETRY_CAP_MS", "1".to_owned()),
        ];
        environment.extend(self.cloud.environment(bundle));
        environment.extend(variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let environment: Vec<_> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        RuntimeEmulator::start(&tool("ORDERFLOW_RIE"), &bundle_path(bundle), &environment).await.unwrap()
    }
}

/// Returns the executable of a bundle.
pub(crate) fn bundle_path(name: &str) -> PathBuf {
    tool("ORDERFLOW_BUNDLES").join(name)
}

/// Returns the path in a variable.
pub(crate) fn tool(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!("{variable} is not set: run `cargo xtask test`, which sets it"),
    }
}
