//! The notification service over a store in memory, with providers from settings.

use std::path::PathBuf;
use std::sync::Arc;

use aws_config::SdkConfig;
use orderflow_domain::Event;
use orderflow_messaging::Outcome;
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, ProviderSettings, Templates};
use orderflow_settings::{Snapshot, read};
use orderflow_testing::service::{ServiceHarness, deliver};

pub(crate) struct Service {
    pub(crate) harness: ServiceHarness,
    consumer: NotificationConsumer,
}

impl Service {
    pub(crate) async fn start(variables: &[(&str, String)], aws: SdkConfig) -> Self {
        let harness = ServiceHarness::open(&[&NOTIFICATIONS]).await;
        let settings = read(&Snapshot::from_variables(variables.iter().cloned()), ProviderSettings::read);
        let providers = settings.unwrap().open(std::future::ready(aws)).await;
        let templates = Arc::new(Templates::built_in());
        let consumer = NotificationConsumer::new(&harness.store, Arc::new(providers), templates);
        Self { harness, consumer }
    }

    pub(crate) async fn deliver(&self, events: &[Event]) -> Vec<Outcome> {
        deliver(&self.consumer, events).await
    }
}

/// Returns the path of a program.
pub(crate) fn tool(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!("{variable} is not set: run `cargo xtask test --install`"),
    }
}
