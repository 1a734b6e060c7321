//! The suite of the whole system with the embedded store and a real RabbitMQ.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use orderflow_bridge::rabbitmq::BrokerAddress;
use orderflow_engine::Location;
use orderflow_system::{BrokerLocation, Settings};
use orderflow_testing::rabbitmq::{RabbitMq, shared};
use orderflow_tests::{Answer, LiveSystem, Mode, ModeSettings};

orderflow_tests::suite!(RabbitMode);

/// The system in this process, with a virtual host of RabbitMQ as broker.
struct RabbitMode {
    live: LiveSystem,
    _node: Arc<RabbitMq>,
}

fn address(uri: &str) -> BrokerAddress {
    BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None }
}

impl Mode for RabbitMode {
    async fn start(settings: ModeSettings) -> Self {
        let node = shared::node().await.unwrap();
        let broker = Some(BrokerLocation::RabbitMq(address(&node.fresh_virtual_host().unwrap())));
        let settings = settings.apply(Settings { broker, ..Settings::new(Location::Memory) });
        Self { live: LiveSystem::start(settings).await.unwrap(), _node: node }
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        self.live.call(request).await
    }

    async fn wait_until_idle(&mut self) {
        self.live.wait_until_idle().await;
    }
}
