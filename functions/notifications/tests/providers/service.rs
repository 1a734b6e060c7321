//! A notification service over a store of its own, with the providers that variables name.

use std::path::PathBuf;
use std::sync::Arc;

use aws_config::SdkConfig;
use orderflow_domain::Event;
use orderflow_embedded::{Embedded, Location};
use orderflow_messaging::{Consumer, Outcome};
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, ProviderSettings, Templates};
use orderflow_store::{IndependentWrites, Store};

use crate::outcomes::deliveries;

pub(crate) struct Service {
    pub(crate) embedded: Embedded,
    consumer: NotificationConsumer,
}

impl Service {
    pub(crate) async fn start(variables: &[(&str, String)], aws: SdkConfig) -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        store.create_missing_tables(&[&NOTIFICATIONS]).await.unwrap();
        let settings = ProviderSettings::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.clone())
        });
        let providers = settings.unwrap().open(std::future::ready(aws)).await;
        let templates = Arc::new(Templates::built_in());
        let consumer = NotificationConsumer::new(&store, Arc::new(providers), templates);
        Self { embedded, consumer }
    }

    pub(crate) async fn handle(&self, events: &[Event]) -> Vec<Outcome> {
        self.consumer.handle(&deliveries(events)).await
    }
}

/// What a variable names.
pub(crate) fn tool(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!("{variable} is not set: run `cargo xtask test --install`"),
    }
}
