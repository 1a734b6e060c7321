//! The systems under test, each with its own tables in one emulator.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use orderflow_bridge::rabbitmq::BrokerAddress;
use orderflow_engine::Location;
use orderflow_system::BaseUrl;
use orderflow_system::{BrokerLocation, Settings, StoreLocation};
use orderflow_testing::ministack::{self, MiniStack};
use orderflow_testing::rabbitmq::{RabbitMq, shared};
use orderflow_tests::{Answer, LiveSystem, Mode, ModeSettings};
use uuid::Uuid;

/// The system in this process, with its tables, topic and queues in the emulator.
pub(crate) struct AwsMode {
    live: LiveSystem,
    _stack: Arc<MiniStack>,
}

/// The system in this process, with its tables in the emulator and RabbitMQ as broker.
pub(crate) struct RabbitMode {
    live: LiveSystem,
    _stack: Arc<MiniStack>,
    _node: Arc<RabbitMq>,
}

pub(crate) fn executable() -> PathBuf {
    match std::env::var_os("ORDERFLOW_MINISTACK") {
        Some(path) => path.into(),
        None => panic!("ORDERFLOW_MINISTACK is not set: run `cargo xtask test`, which sets it"),
    }
}

/// Returns settings with separate tables in the emulator.
fn at(stack: &MiniStack) -> Settings {
    Settings {
        store: StoreLocation::Endpoint(endpoint(stack)),
        prefix: format!("t{}", Uuid::new_v4().simple()),
        ..Settings::new(Location::Memory)
    }
}

fn endpoint(stack: &MiniStack) -> BaseUrl {
    stack.endpoint().parse().unwrap()
}

impl Mode for AwsMode {
    async fn start(settings: ModeSettings) -> Self {
        let stack = ministack::shared(&executable()).await.unwrap();
        let broker = Some(BrokerLocation::Sqs(endpoint(&stack)));
        let settings = settings.apply(Settings { broker, ..at(&stack) });
        Self { live: LiveSystem::start(settings).await.unwrap(), _stack: stack }
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        self.live.call(request).await
    }

    async fn wait_until_idle(&mut self) {
        self.live.wait_until_idle().await;
    }
}

impl Mode for RabbitMode {
    async fn start(settings: ModeSettings) -> Self {
        let stack = ministack::shared(&executable()).await.unwrap();
        let node = shared::node().await.unwrap();
        let uri = node.fresh_virtual_host().unwrap().parse().unwrap();
        let broker = Some(BrokerLocation::RabbitMq(BrokerAddress { uri, ca_certificates: None }));
        let settings = settings.apply(Settings { broker, ..at(&stack) });
        Self { live: LiveSystem::start(settings).await.unwrap(), _stack: stack, _node: node }
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        self.live.call(request).await
    }

    async fn wait_until_idle(&mut self) {
        self.live.wait_until_idle().await;
    }
}
